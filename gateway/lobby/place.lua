-- Writes the next slice of the draw's order into the queue. Any gateway may do it; a slice that is already there is
-- skipped, so that two doing it at once do it once. What is written moves out of the frozen lobby: lobby and drawn order
-- together stay whole, whoever dies in between.
--
-- ARGV[2]  how many entries stand before this slice
-- ARGV[3]  the digest of the lobby, in hex
-- ARGV[4]  the slice's ids in order, at most SLICE, one behind the other
-- ARGV[5]  the same as the bytes they stand for
--
-- how many entries are placed now
local ID_LENGTH = 11
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries', 'digest', 'leftUnplaced', 'lobbyMissing', 'beaconSource')
local placed = tonumber(draw[2] or 0)
if draw[1] ~= 'drawing' or draw[6] or tonumber(ARGV[2]) ~= placed then return placed end
if draw[4] ~= ARGV[3] then return redis.error_reply('this order is of another lobby') end

local ids, members = {}, {}
for at = 1, #ARGV[4], ID_LENGTH do
  local id = string.sub(ARGV[4], at, at + ID_LENGTH - 1)
  ids[#ids + 1] = id
  members[2 * #ids - 1] = placed + #ids
  members[2 * #ids] = id
end
for _, isThere in ipairs(redis.call('ZMSCORE', K.frozen, unpack(ids))) do
  if not isThere then
    -- Nothing is known yet that its digest must not be changed after: the lobby is read, and its digest published, anew.
    if placed == 0 and (draw[7] or '') == '' then
      redis.call('HSET', K.draw, 'state', 'frozen')
      redis.call('HDEL', K.draw, 'digest', 'digestAt')
      changed()
      return placed
    end
    return redis.error_reply('this order has an id that is not in the frozen lobby')
  end
end
redis.call('ZREM', K.frozen, unpack(ids))
redis.call('ZADD', K.waiting, unpack(members))
-- Presence counts from here: without a number nobody could show it.
setBits(K.seen[1], placed + 1, placed + #ids)
if tonumber(draw[5] or 0) > 0 then
  local ended = redis.call('HMGET', K.entries, unpack(ids))
  for i = 1, #ids do
    if ended[i] then
      -- Left after the freeze, or brought back after a loss as what it had become: the number is theirs, and does not
      -- wait.
      local number, entry = placed + i, unpackEntry(ids[i], ended[i])
      redis.call('ZREM', K.waiting, ids[i])
      redis.call('SETBIT', K.bits, number, 0)
      redis.call('HINCRBY', K.draw, 'leftUnplaced', -1)
      entry.number = number
      writeEntry(ids[i], entry)
    end
  end
end
if isRecovering() then keepRecovering() end
redis.call('APPEND', K.drawn, ARGV[5])
placed = placed + #ids
redis.call('HSET', K.draw, 'placed', placed, 'workedAt', now)
if placed >= tonumber(draw[3]) then
  redis.call('HSET', K.draw, 'state', 'drawn')
  -- It may have been drawn before, and lost.
  redis.call('HSETNX', K.draw, 'drawnAt', now)
  redis.call('UNLINK', K.frozen, K.lobbyLeft, K.lobbyGone)
end
changed()
return placed
