-- What became of an entry. Asked by the poll that no longer finds its own waiting bit, or that holds a lobby ticket.
-- A fan whose turn was missed shows up by asking.
--
-- ARGV[2]  the entry's id
--
-- {'no-sale'} | {'unknown'} | the entry as prelude's describe gives it
local sale = loadSale()
if not sale then return { 'no-sale' } end
local id = ARGV[2]
mayDrain()
local state = stateOf(sale)
local entry = currentEntry(id, state)
if not entry then return { 'unknown' } end
if not hasEnded(state) then comeBack(id, entry, sale) end
return describe(id, entry)
