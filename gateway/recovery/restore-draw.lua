-- Brings back what a gateway remembers of a draw: its secret seed and its published commitment above all. What Redis has
-- kept stays, unless it is only a new commitment, made when the sale was put into an empty Redis.
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3…] field, value, …: the draw as it was
--
-- 1 when it was brought back, else 0
if not isRecovering() or currentEpoch() ~= tonumber(ARGV[2]) then return 0 end
local remembered = {}
for i = 3, #ARGV, 2 do remembered[ARGV[i]] = ARGV[i + 1] end
local known = redis.call('HMGET', K.draw, 'state', 'seed')
if known[1] and known[1] ~= 'committed' then return 0 end
if known[2] == remembered.seed and known[1] == remembered.state then return 0 end
redis.call('DEL', K.draw)
for field, value in pairs(remembered) do redis.call('HSET', K.draw, field, value) end
changed()
return 1
