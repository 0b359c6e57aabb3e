-- At the end of a recovery in which no gateway has known who was in the frozen lobby: it consists of those who have shown
-- up. Numbers that had been written down stay, and belong to whoever brings them; all others are drawn behind them, from
-- the same seed, before everybody who came after the opening.
--
-- ARGV[2]  the epoch of the recovery
--
-- 1 when there is more to do, else 0
--
-- For gateways to bring back what they remember of the numbers that stay.
local NUMBERS_MS = 5000
local draw = redis.call('HMGET', K.draw, 'lobbyMissing', 'entries', 'drawnTo')
if not draw[1] or currentEpoch() ~= tonumber(ARGV[2]) then return 0 end
if now < tonumber(draw[1]) then return 0 end
local entries, first = tonumber(draw[2]), tonumber(draw[3])

local ids = redis.call('ZRANGE', K.lobby, 0, SLICE - 1)
if #ids > 0 then
  local arrivals = math.max(entries, tonumber(redis.call('HGET', K.queue, 'lobbyArrivals') or 0))
  local members = {}
  for i, id in ipairs(ids) do
    members[2 * i - 1] = arrivals + i
    members[2 * i] = id
  end
  redis.call('HSET', K.queue, 'lobbyArrivals', arrivals + #ids)
  redis.call('ZREM', K.lobby, unpack(ids))
  redis.call('ZADD', K.frozen, unpack(members))
  return 1
end
if queueBehind(K.frozen, entries - first) > 0 then return 1 end

local last = first + redis.call('ZCARD', K.frozen)
-- It is read as it stands here: who has left it is not in it.
redis.call('DEL', K.lobbyLeft)
redis.call('HDEL', K.draw, 'lobbyMissing', 'drawnTo', 'digest', 'digestAt', 'workedAt')
if redis.call('HEXISTS', K.draw, 'beacon') == 1 then leaveBeaconOut() end
redis.call('HSET', K.draw, 'state', last == first and 'drawn' or 'frozen', 'entries', last, 'placed', first, 'drawnFrom', first,
  'frozenAt', now)
if last == 0 then
  drawNobody()
elseif last == first then
  redis.call('HSETNX', K.draw, 'drawnAt', now)
end
setBits(K.bits, first + 1, last)
setBits(K.seen[1], first + 1, last)
redis.call('HSET', K.queue, 'recoveredAt', now + NUMBERS_MS, 'rampFrom', now + NUMBERS_MS)
changed()
return 0
