-- At the opening: nobody enters the lobby any more. Its N fans own the queue numbers 1 to N from now on, in an order
-- that is not decided yet; whoever joins later gets N+1 and following.
--
-- 1 when the lobby is frozen (now or before), 0 when the sale has not opened or has no lobby
local sale = loadSale()
if not sale then return 0 end
local drawState = redis.call('HGET', K.draw, 'state')
if drawState ~= 'committed' then return (drawState == 'drawing' or drawState == 'drawn') and 1 or 0 end
if now < sale.opensAt then return 0 end

-- Numbers are never issued twice: a queue that has begun has no draw any more.
if tonumber(redis.call('HGET', K.queue, 'next') or 0) > 0 then
  return redis.error_reply('the queue of this sale has begun before its draw')
end

local n = redis.call('SCARD', K.lobby)
if n > 0 then redis.call('RENAME', K.lobby, K.frozen) end
redis.call('HSET', K.draw, 'state', n == 0 and 'drawn' or 'drawing', 'entries', n, 'placed', 0, 'frozenAt', now)
if n > 0 then
  redis.call('HSET', K.queue, 'next', n)
  -- Bits 1 to n, most significant bit of byte 0 first: bit 0 stays clear.
  local whole = math.floor((n + 1) / 8)
  local bits = string.rep(string.char(255), whole)
  local rest = (n + 1) % 8
  if rest > 0 then bits = bits .. string.char(256 - 2 ^ (8 - rest)) end
  redis.call('SET', K.bits, bits)
  redis.call('SETBIT', K.bits, 0, 0)
  redis.call('BITOP', 'OR', K.seen[1], K.seen[1], K.bits)
  changed()
end
return 1
