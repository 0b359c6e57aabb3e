-- At the opening: nobody enters the lobby any more. Its N fans own the queue numbers 1 to N from now on, in an order
-- that is not decided yet; whoever joins later gets N+1 and following.
--
-- 1 when the lobby is frozen (now or before), 0 when the sale has not opened, was closed before, or has no lobby, 2 when
-- there is more to do
local sale = loadSale()
if not sale then return 0 end
local drawState = redis.call('HGET', K.draw, 'state')
if drawState ~= 'committed' then return (isUnderWay(drawState) or drawState == 'drawn') and 1 or 0 end
if now < sale.opensAt or stateOf(sale) == 'closed' or mustWait() then return 0 end

-- Numbers are never issued twice. After a loss in which nobody has remembered that the lobby was frozen, numbers are in
-- the hands of those who came after it: as many as fit stand before them.
local given = redis.call('HMGET', K.queue, 'next', 'takenFrom')
if tonumber(given[1] or 0) > 0 and queueBehind(K.lobby, math.max(0, tonumber(given[2] or 1) - 1)) > 0 then return 2 end

local n = redis.call('ZCARD', K.lobby)
redis.call('HSET', K.draw, 'state', n == 0 and 'drawn' or 'frozen', 'entries', n, 'placed', 0, 'frozenAt', now,
  'beaconSource', redis.call('HGET', K.sale, 'beacon') or '')
if n == 0 then
  drawNobody()
  redis.call('UNLINK', K.lobbyLeft, K.lobbyGone)
else
  redis.call('RENAME', K.lobby, K.frozen)
  redis.call('HSET', K.queue, 'next', math.max(n, tonumber(given[1] or 0)))
  setBits(K.bits, 1, n)
  setBits(K.seen[1], 1, n)
end
changed()
return 1
