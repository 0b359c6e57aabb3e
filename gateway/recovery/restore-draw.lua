-- Brings back what a gateway remembers of a draw: its secret seed and its published commitment above all. What Redis has
-- kept stays, unless it is only a new commitment, made when the sale was put into an empty Redis.
--
-- A draw that was under way is held again, from the same seed, among all of its lobby who show up: who stood in it is lost,
-- and so is the order. Until then nobody has one of its numbers; whoever came after the opening stays behind them.
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3…] field, value, …: the draw as it was
--
-- 1 when it was brought back, else 0
if not isRecovering() or currentEpoch() ~= tonumber(ARGV[2]) then return 0 end
local remembered = {}
for i = 3, #ARGV, 2 do remembered[ARGV[i]] = ARGV[i + 1] end
local known = redis.call('HMGET', K.draw, 'state', 'seed')
local redrawn = redis.call('HGET', K.queue, 'redrawTo')
if known[1] and known[1] ~= 'committed' then return 0 end
if known[2] == remembered.seed and (known[1] == remembered.state or redrawn and remembered.state ~= 'drawn') then return 0 end

redis.call('DEL', K.draw)
if isUnderWay(remembered.state) then
  local last = tonumber(remembered.entries)
  redis.call('HSET', K.draw, 'state', 'committed', 'seed', remembered.seed, 'commitment', remembered.commitment)
  redis.call('HSET', K.queue, 'redrawTo', last)
  -- Who has shown up by now.
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'LIMIT', 0, SLICE)) do
    stopWaiting(id, tonumber(redis.call('ZSCORE', K.waiting, id)))
    enterLobby(id)
  end
else
  for field, value in pairs(remembered) do redis.call('HSET', K.draw, field, value) end
  redis.call('HDEL', K.queue, 'redrawTo')
end
changed()
return 1
