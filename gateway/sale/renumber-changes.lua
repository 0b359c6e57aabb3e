-- Puts changes into effect once more, on top of a durable definition that they were not made from: Redis had lost that one,
-- and gave its version again. They wait under their new versions to become durable.
--
-- ARGV[2]  the version that was live when they were read
-- ARGV[3]  how many changes waited then
-- ARGV[4]  how many of the following there are
-- ARGV[5…] the changes under their new versions, as JSON
-- then     the version from now on
--          the definition as JSON
--          the version that gives the draw its beacon; empty when none of them does
--          field, value, …: the settings the scripts read
--
-- 1; 0 when somebody else was faster
if redis.call('HGET', K.sale, 'version') ~= ARGV[2] then return 0 end
if redis.call('LLEN', K.unsaved) ~= tonumber(ARGV[3]) then return 0 end
redis.call('DEL', K.unsaved)
local version = 5 + tonumber(ARGV[4])
for i = 5, version - 1 do redis.call('RPUSH', K.unsaved, ARGV[i]) end
redis.call('HSET', K.sale, 'version', ARGV[version], 'definition', ARGV[version + 1])
putIntoEffect(version + 3)
redis.call('HDEL', K.sale, 'beaconVersion')
if ARGV[version + 2] ~= '' then redis.call('HSET', K.sale, 'beaconVersion', ARGV[version + 2]) end
-- The durable one may have the beacon that a draw waits for.
takeGivenBeacon()
return 1
