-- Turns a turn into an admission. Claiming again returns the same admission, so that it returns the same token.
--
-- ARGV[2]  the entry's id
-- ARGV[3]  jti and
-- ARGV[4]  kid for the token, should this call admit
-- ARGV[5]  how many seconds the token outlives the admission
--
-- {'no-sale'} | {'unknown'} | {'not-your-turn'} | {'turn-missed'} | {'sale-ended'} | {'already-finished'} | {'shop-full'}
-- | the entry as prelude's describe gives it, and how far the queue is
local sale = loadSale()
if not sale then return { 'no-sale' } end
local id = ARGV[2]
local state = stateOf(sale)
mayDrain()
local entry = currentEntry(id, state)
if not entry then return { 'unknown' } end
local function answer()
  local described = describe(id, entry)
  described[#described + 1] = momentNow()
  return described
end
if entry.state == 'admitted' then
  -- One that Redis has lost, brought back by its queue ticket: what its token said nobody remembers.
  if not entry.kid then
    entry.jti = entry.jti or ARGV[3]
    entry.kid = ARGV[4]
    entry.iat = entry.iat or math.floor(now / 1000)
    writeEntry(id, entry)
  end
  return answer()
end
if entry.state == 'finished' then return { 'already-finished' } end
if entry.state == 'closed' then return { 'sale-ended' } end
if entry.state == 'missed' or entry.state == 'expired' then return { 'turn-missed' } end
if entry.state ~= 'ready' then return { 'not-your-turn' } end
-- What Redis has forgotten may fill the shop, and with turns of which it knows nothing: before gateways have compared, and brought
-- that back, nobody else gets in. The turn stays as it is.
if isToBeCompared() then return { 'shop-full' } end

-- A lowered capacity ends nobody, and more turns may be out than there is room for those who come, so a turn may find
-- the shop full. It is kept, without a deadline, and served in order
-- of queue number as soon as there is room.
expireAdmissions(ENDS_PER_CALL_MAX)
local room = sale.capacity - redis.call('ZCARD', K.admitted)
local isCalled = redis.call('ZSCORE', K.called, id)
local before = isCalled and 0 or redis.call('ZCOUNT', K.blocked, '-inf', '(' .. entry.number)
if mustWait() then
  -- A gateway may bring back late what it knows, in the recovery still: any other turn that is out may have been claimed.
  before = before + redis.call('ZCARD', K.ready) - (redis.call('ZSCORE', K.ready, id) and 1 or 0)
elseif not isCalled then
  -- Room that became free since belongs to those who were called again for it.
  before = before + redis.call('ZCOUNT', K.called, '(' .. now, '+inf')
end
if room - before <= 0 then
  if entry.claimBy then
    redis.call('ZREM', K.ready, id)
    redis.call('ZREM', K.called, id)
    redis.call('ZADD', K.blocked, entry.number, id)
    entry.claimBy = nil
    writeEntry(id, entry)
  end
  return { 'shop-full' }
end

redis.call('ZREM', K.ready, id)
redis.call('ZREM', K.blocked, id)
redis.call('ZREM', K.called, id)
noteOutcomes(1, 0)
entry.state = 'admitted'
entry.claimBy = nil
entry.expiresAt = now + sale.admissionMs
entry.jti = ARGV[3]
entry.kid = ARGV[4]
entry.iat = math.floor(now / 1000)
entry.exp = math.ceil(entry.expiresAt / 1000) + tonumber(ARGV[5])
writeEntry(id, entry)
redis.call('ZADD', K.admitted, entry.expiresAt, id)
return answer()
