-- The booking service reported when fans' last live holds end; their admissions last at least as long. Many at once.
--
-- ARGV[2…] of each, three values: the entry's id; the token's jti; epoch milliseconds, 0 when the fan has no live hold
--
-- Of each 1 when the admission is live, else 0
local VALUES = 3
local sale = loadSale()

local function note(id, jti, holdEnds)
  local entry = currentEntry(id, 'open')
  if not entry or entry.state ~= 'admitted' or entry.jti ~= jti then return 0 end
  entry.holdEnds = holdEnds
  writeEntry(id, entry)
  redis.call('ZADD', K.admitted, 'XX', deadlineOf(entry), id)
  noteHolding(id, entry.holdEnds)
  return 1
end

if sale then mayDrain() end
local answers = {}
for at = 2, #ARGV, VALUES do
  answers[#answers + 1] = sale and note(ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])) or 0
end
return answers
