-- Brings back who was in a lobby when it was frozen, as a gateway remembers it, slice by slice; then its draw is written
-- again (gateway/lobby/place.lua). Any number of gateways may do it at once.
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3]  when the lobby was frozen, as the draw says it
-- ARGV[4]  how many of its ids stand before this slice, in byte order
-- ARGV[5]  the slice's ids, at most SLICE, one behind the other; empty when all have been brought
--
-- -1  there is nothing to bring back (any more)
-- 0   call again with the same
-- 1   this slice is here; after the empty one the lobby is whole
local ID_LENGTH = 11
local draw = redis.call('HMGET', K.draw, 'lobbyMissing', 'frozenAt', 'entries', 'drawnFrom', 'state')
if not draw[1] or draw[5] == 'unproven' or currentEpoch() ~= tonumber(ARGV[2]) or draw[2] ~= ARGV[3] then return -1 end
local entries, first = tonumber(draw[3]), tonumber(draw[4] or 0)
redis.call('HSET', K.draw, 'lobbyMissing', math.max(keepRecovering(), tonumber(draw[1])))

if ARGV[5] ~= '' then
  local ids = {}
  for at = 1, #ARGV[5], ID_LENGTH do ids[#ids + 1] = string.sub(ARGV[5], at, at + ID_LENGTH - 1) end
  local there = redis.call('ZMSCORE', K.frozen, unpack(ids))
  local inLobby = redis.call('ZMSCORE', K.lobby, unpack(ids))
  local waiting = redis.call('ZMSCORE', K.waiting, unpack(ids))
  local recorded = redis.call('HMGET', K.entries, unpack(ids))
  local members, joined, elsewhere = {}, 0, 0
  for i, id in ipairs(ids) do
    if not there[i] then
      members[#members + 1] = tonumber(ARGV[4]) + i
      members[#members + 1] = id
      if recorded[i] then
        -- In the shop, say, by a token: it has its number from the draw, and does not wait.
        elsewhere = elsewhere + 1
      elseif inLobby[i] then
        redis.call('ZREM', K.lobby, id)
      elseif waiting[i] then
        stopWaiting(id, tonumber(waiting[i]))
      else
        joined = joined + 1
      end
    end
  end
  if #members > 0 then redis.call('ZADD', K.frozen, unpack(members)) end
  if joined > 0 then count('joined', joined) end
  if elsewhere > 0 then redis.call('HINCRBY', K.draw, 'leftUnplaced', elsewhere) end
  return 1
end

-- Who stands in the lobby now had left it when it was frozen: what had left is not revived. Nor is what stands in for its
-- numbers needed any more.
local gone = redis.call('ZRANGE', K.lobby, 0, ENDS_PER_CALL_MAX - 1)
for _, id in ipairs(gone) do
  redis.call('ZREM', K.lobby, id)
  finishEntry(id, {}, 'left')
end
if #gone > 0 then
  count('lobbyLeft', #gone)
  redis.call('RPUSH', K.lobbyGone, unpack(gone))
end
local others = redis.call('ZRANGEBYSCORE', K.waiting, '(' .. first, entries, 'WITHSCORES', 'LIMIT', 0, ENDS_PER_CALL_MAX)
local behind = {}
for i = 1, #others, 2 do
  stopWaiting(others[i], tonumber(others[i + 1]))
  if isStandIn(others[i]) then count('joined', -1) else behind[#behind + 1] = others[i] end
end
-- Somebody who has one of its numbers and was not in it keeps a place.
if #behind > 0 then giveNext(behind) end
if #gone + #others > 0 then return 0 end
if redis.call('ZCARD', K.frozen) ~= entries - first then return -1 end

-- Whoever has left since the loss is in the frozen lobby again, recorded as that: no reader takes them out of it.
redis.call('DEL', K.lobbyLeft)
redis.call('HDEL', K.draw, 'lobbyMissing', 'drawnTo', 'workedAt')
redis.call('HSET', K.queue, 'lobbyArrivals', math.max(entries, tonumber(redis.call('HGET', K.queue, 'lobbyArrivals') or 0)))
setBits(K.bits, first + 1, entries)
setBits(K.seen[1], first + 1, entries)
changed()
return 1
