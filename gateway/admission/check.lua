-- Whether an admission may act now.
--
-- ARGV[2]  the entry's id
-- ARGV[3]  the token's jti
-- ARGV[4]  seconds by which a payment that starts now may outlive the admission's end; 0 for any other request
--
-- {'live' | 'finished' | 'ended' | 'unknown', when the fan's last live hold was known to end before
-- this call, else 0, milliseconds until the admission's fixed end; negative while only a live hold carries it on}
local sale = loadSale()
if not sale then return { 'unknown', 0, 0 } end
local id = ARGV[2]
local entry = currentEntry(id, 'open')
if not entry or entry.jti ~= ARGV[3] then return { 'unknown', 0, 0 } end
if entry.state == 'finished' then return { 'finished', 0, 0 } end
if entry.state ~= 'admitted' then return { 'ended', 0, 0 } end

-- A payment under way is never thrown out: with a live hold the admission lasts at least as long as the booking service
-- may extend that hold, which is bounded by the admission's fixed end.
local known = entry.holdEnds or 0
local extensionMs = tonumber(ARGV[4]) * 1000
if extensionMs > 0 and known > now then
  local holdEnds = math.min(now, entry.expiresAt) + extensionMs
  if holdEnds > known then
    entry.holdEnds = holdEnds
    writeEntry(id, entry)
    redis.call('ZADD', K.admitted, 'XX', deadlineOf(entry), id)
    noteHolding(id, holdEnds)
  end
end
return { 'live', known, entry.expiresAt - now }
