-- What became of entries. Asked for the polls and streams that no longer find their own waiting bit, or that hold a lobby
-- ticket, many at a time. A fan whose turn was missed shows up by asking.
--
-- ARGV[2…]  at most SLICE ids
--
-- {'no-sale'} | for each id 'unknown' or the entry as prelude's describe gives it
local sale = loadSale()
if not sale then return { 'no-sale' } end
mayDrain()
local state = stateOf(sale)

local function lookUp(id)
  local entry = currentEntry(id, state)
  if not entry then return 'unknown' end
  if not hasEnded(state) then comeBack(id, entry, sale) end
  return describe(id, entry)
end

local replies = {}
for i = 2, #ARGV do replies[#replies + 1] = lookUp(ARGV[i]) end
return replies
