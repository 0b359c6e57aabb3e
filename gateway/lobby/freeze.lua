-- At the opening: nobody enters the lobby any more. Its N fans own the queue numbers 1 to N from now on, in an order
-- that is not decided yet; whoever joins later gets N+1 and following.
--
-- 1 when the lobby is frozen (now or before), 0 when the sale has not opened, was closed before, or has no lobby, 2 when
-- there is more to do
local sale = loadSale()
if not sale then return 0 end
local drawState = redis.call('HGET', K.draw, 'state')
if drawState ~= 'committed' then return (isUnderWay(drawState) or isOver(drawState)) and 1 or 0 end
if now < sale.opensAt or stateOf(sale) == 'closed' or mustWait() then return 0 end

local n = redis.call('ZCARD', K.lobby)
redis.call('HSET', K.draw, 'beaconSource', redis.call('HGET', K.sale, 'beacon') or '')
-- Numbers are never issued twice. After a loss in which nobody has remembered that the lobby was frozen, numbers are in
-- the hands of those who came after it: as many as fit stand before them.
local last = tonumber(redis.call('HGET', K.queue, 'next') or 0)
if last > 0 then
  local firstWaiting = tonumber(redis.call('ZRANGE', K.waiting, 0, 0, 'WITHSCORES')[2])
  local firstBit = redis.call('BITPOS', K.states, 1)
  local takenFrom = math.min(firstWaiting or last + 1, firstBit >= 0 and math.floor(firstBit / 4) or last + 1)
  -- Or of those who were in it: then it was drawn, and who had which of the other numbers nobody knows.
  local isDrawn = n > takenFrom - 1 and redis.call('ZCOUNT', K.waiting, takenFrom, last) <= last - takenFrom
  if n == 0 or takenFrom == 1 or isDrawn then
    redis.call('HSET', K.draw, 'frozenAt', now)
    giveUpProof(last, now)
    return 1
  end
  if queueBehind(K.lobby, takenFrom - 1) > 0 then return 2 end
  redis.call('HSET', K.draw, 'closedAgain', 1)
end

redis.call('HSET', K.draw, 'state', n == 0 and 'drawn' or 'frozen', 'entries', n, 'placed', 0, 'frozenAt', now)
if n == 0 then
  drawNobody()
  redis.call('UNLINK', K.lobbyLeft, K.lobbyGone)
else
  redis.call('RENAME', K.lobby, K.frozen)
  redis.call('HSET', K.queue, 'next', math.max(n, last))
  setBits(K.bits, 1, n)
  setBits(K.seen[1], 1, n)
end
changed()
return 1
