-- Redis has lost data of this queue: a new epoch begins, and for a while no turn and no new number is given, so that
-- gateways and fans can bring back what they remember.
--
-- ARGV[2]  the epoch in which the caller found the loss: of many who find it, one begins
-- ARGV[3]  the highest epoch, and
-- ARGV[4]  the highest version that the caller has seen
-- ARGV[5]  the longest time after which a fan is told to ask again, milliseconds
--
-- {'no-sale'} | {begun 0/1}
local sale = loadSale()
if not sale then return { 'no-sale' } end
local epoch = currentEpoch()
if epoch ~= tonumber(ARGV[2]) then return { 0 } end
mayDrain()
beginRecovery(sale, tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
return { 1 }
