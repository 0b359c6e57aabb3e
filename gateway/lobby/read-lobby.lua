-- The lobby on from where the caller has read to, in the order of arrival; after the freeze the frozen lobby the same
-- way. Reads only.
--
-- ARGV[2]  the last arrival that the caller knows, 0 for none
-- ARGV[3]  who that was, empty for none
-- ARGV[4]  how many of those who left the caller knows
-- ARGV[5]  how many of either to read at most
-- ARGV[6]  the epoch in which the caller began, 0 for none
--
-- {'again'}: what the caller knows is not of this lobby (Redis has lost data), begin anew | {last arrival, ids of those
-- who arrived, one behind the other, how many have left by now, ids of those, the epoch}
local key = redis.call('EXISTS', K.frozen) == 1 and K.frozen or K.lobby
local last, left, most = tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5])
local epoch = currentEpoch()
if tonumber(ARGV[6]) ~= 0 and tonumber(ARGV[6]) ~= epoch then return { 'again' } end
if last > 0 then
  local known = redis.call('ZRANGEBYSCORE', key, last, last)[1]
  local arrivals = tonumber(redis.call('HGET', K.queue, 'lobbyArrivals') or 0)
  if arrivals < last or known and known ~= ARGV[3] then return { 'again' } end
end
if redis.call('LLEN', K.lobbyLeft) < left then return { 'again' } end

local arrived = redis.call('ZRANGEBYSCORE', key, '(' .. last, '+inf', 'LIMIT', 0, most)
if #arrived > 0 then last = tonumber(redis.call('ZSCORE', key, arrived[#arrived])) end
local gone = redis.call('LRANGE', K.lobbyLeft, left, left + most - 1)
return { last, table.concat(arrived), left + #gone, table.concat(gone), epoch }
