-- Makes a sale's durable definition live, unless a newer one already is.
--
-- ARGV[2]  version
-- ARGV[3]  the definition as JSON
-- ARGV[4]  a new seed, in hex, kept only if the sale has a lobby and no seed yet
-- ARGV[5]  SHA-256 of that seed; what it begins with names a queue that is new here too
-- ARGV[6]  the digests of its access codes, separated by spaces; empty for a sale that needs none
-- ARGV[7]  '1' when the sale was live before, so that this Redis has lost it
-- ARGV[8]  the longest time after which a fan is told to ask again, milliseconds
-- ARGV[9…] field, value, …: the settings the scripts read
--
-- the live version
local known = tonumber(redis.call('HGET', K.sale, 'version') or 0)
if tonumber(ARGV[2]) <= known then return known end
local before = loadSale()
redis.call('HSET', K.sale, 'version', ARGV[2], 'definition', ARGV[3])
redis.call('HSETNX', K.sale, 'soldOut', '0')
for code in string.gmatch(ARGV[6], '%S+') do redis.call('HSETNX', K.codes, code, 0) end
for i = 9, #ARGV, 2 do redis.call('HSET', K.sale, ARGV[i], ARGV[i + 1]) end
redis.call('HDEL', K.sale, 'beaconVersion')
local sale = loadSale()
if before then shortenAdmissions(before.admissionMs, sale.admissionMs) end
local isLost = known == 0 and ARGV[7] == '1'
if known == 0 then
  -- A queue that was put in again is another one, however alike their counts are.
  redis.call('HSET', K.queue, 'runId', runId(), 'birth', string.sub(ARGV[5], 1, 16))
  -- Numbers of this sale may be in fans' hands, and nobody else may remember them: the fans have time to bring them. So
  -- have gateways, before the lobby opens too: the commitment that was published then stays.
  if isLost then beginRecovery(sale, 0, 0, tonumber(ARGV[8])) end
end
-- A lobby that was lost after its opening is held again, by those who show up, should nobody remember its draw.
if sale.lobbyOpensAt > 0 and (now < sale.opensAt or isLost) and redis.call('HSETNX', K.draw, 'state', 'committed') == 1 then
  redis.call('HSET', K.draw, 'seed', ARGV[4], 'commitment', ARGV[5])
  -- It was not there before anybody was in the lobby, and says so.
  if isLost and now >= sale.lobbyOpensAt then redis.call('HSET', K.draw, 'recommittedAt', now) end
end
-- A draw that waits for a beacon which is given already: Redis has lost the moment in between.
takeGivenBeacon()
return tonumber(ARGV[2])
