-- Drops the changes that are durable now. A draw whose beacon is among them goes on.
--
-- ARGV[2]  the highest version the booking service has recorded
--
-- how many changes are still waiting
local durable = tonumber(ARGV[2])
while true do
  local first = redis.call('LINDEX', K.unsaved, 0)
  if not first or cjson.decode(first).version > durable then break end
  redis.call('LPOP', K.unsaved)
end
takeGivenBeacon()
return redis.call('LLEN', K.unsaved)
