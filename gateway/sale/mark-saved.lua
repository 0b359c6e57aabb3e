-- Drops the changes that are durable now. A draw whose beacon is among them goes on. A version does not say which change
-- that was: a Redis that has lost its last seconds gives it again.
--
-- ARGV[2…]  the changes that the booking service has recorded: version, moment, action and who made it, with blanks between
--
-- how many changes are still waiting
local recorded = {}
for i = 2, #ARGV do recorded[ARGV[i]] = true end
while true do
  local first = redis.call('LINDEX', K.unsaved, 0)
  if not first then break end
  local change = cjson.decode(first)
  if not recorded[table.concat({ change.version, change.at, change.action, change.by }, ' ')] then break end
  redis.call('LPOP', K.unsaved)
end
takeGivenBeacon()
return redis.call('LLEN', K.unsaved)
