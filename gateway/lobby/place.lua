-- Writes the next slice of the draw's order into the queue. Any gateway may do it; a slice that is already there is
-- skipped, so that two doing it at once do it once.
--
-- ARGV[2]  how many entries stand before this slice
-- ARGV[3]  the digest of the lobby, in hex
-- ARGV[4…] the slice's ids in order, at most SLICE
--
-- how many entries are placed now
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries')
local placed = tonumber(draw[2] or 0)
if draw[1] ~= 'drawing' or tonumber(ARGV[2]) ~= placed then return placed end

redis.call('HSETNX', K.draw, 'digest', ARGV[3])
for i = 4, #ARGV do
  local id = ARGV[i]
  placed = placed + 1
  if redis.call('HEXISTS', K.entries, id) == 1 then
    -- Left after the freeze: the number stays theirs, and empty.
    redis.call('SETBIT', K.bits, placed, 0)
    redis.call('HINCRBY', K.draw, 'leftUnplaced', -1)
  else
    redis.call('ZADD', K.waiting, placed, id)
  end
  redis.call('RPUSH', K.drawn, id)
end
redis.call('HSET', K.draw, 'placed', placed)
if placed >= tonumber(draw[3]) then 
  redis.call('HSET', K.draw, 'state', 'drawn')
  redis.call('UNLINK', K.frozen)
end
changed()
return placed
