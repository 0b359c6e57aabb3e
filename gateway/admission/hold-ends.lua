-- The booking service reported when the fan's last live hold ends; the admission lasts at least as long.
--
-- ARGV[2]  the entry's id
-- ARGV[3]  the token's jti
-- ARGV[4]  epoch milliseconds; 0 when the fan has no live hold
--
-- 1 when the admission is live, else 0
if not loadSale() then return 0 end
local id = ARGV[2]
local entry = currentEntry(id, 'open')
if not entry or entry.state ~= 'admitted' or entry.jti ~= ARGV[3] then return 0 end
mayDrain()
entry.holdEnds = tonumber(ARGV[4])
writeEntry(id, entry)
redis.call('ZADD', K.admitted, 'XX', deadlineOf(entry), id)
noteHolding(id, entry.holdEnds)
return 1
