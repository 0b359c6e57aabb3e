-- Redis has lost data of this queue: a new epoch begins, and for a while no turn and no new number is given, so that
-- gateways and fans can bring back what they remember.
--
-- ARGV[2]  the epoch in which the caller found the loss: of many who find it, one begins
-- ARGV[3]  the highest epoch, and
-- ARGV[4]  the highest version that the caller has seen
-- ARGV[5]  the longest time after which a fan is told to ask again, milliseconds
--
-- {'no-sale'} | {begun 0/1}
--
-- Polls carry the version they last saw; by this leap every later one is above whatever anybody has seen.
local VERSION_LEAP = 1000000
-- Everybody who is there has asked twice by then; whoever waits is told to ask four times within graceSeconds (status.ts).
local POLLS = 2
local POLLS_PER_GRACE = 4
local sale = loadSale()
if not sale then return { 'no-sale' } end
local epoch = currentEpoch()
if epoch ~= tonumber(ARGV[2]) then return { 0 } end
mayDrain()
local version = math.max(tonumber(redis.call('HGET', K.queue, 'changes') or 0), tonumber(ARGV[4])) + VERSION_LEAP
local recoveredAt = now + math.ceil(POLLS * math.min(tonumber(ARGV[5]), sale.graceMs / POLLS_PER_GRACE))
redis.call('HSET', K.queue, 'epoch', math.max(epoch, tonumber(ARGV[3])) + 1, 'changes', string.format('%d', version),
  'lostAt', now, 'recoveredAt', recoveredAt, 'rampFrom', recoveredAt)
return { 1 }
