-- An order was completed: its admission's room is free for the next fan. Repeating it changes nothing.
--
-- ARGV[2]  the entry's id
-- ARGV[3]  the order's id
--
-- {'no-sale'} | {state}: the entry's state from now on
if not loadSale() then return { 'no-sale' } end
local id = ARGV[2]
mayDrain()
local entry = readEntry(id)
if not entry then
  -- Redis has lost it. The order says what became of it, and the fan's token must not open the shop again.
  count('joined', 1)
  finishEntry(id, { order = ARGV[3], adopted = true }, 'finished')
  return { 'finished' }
end
if entry.state == 'admitted' then
  leaveShop(id)
  entry.order = ARGV[3]
  finishEntry(id, entry, 'finished')
elseif entry.state == 'expired' then
  -- The order was paid in time and became known late.
  count('ended:expired', -1)
  if entry.code then occupyCode(id, entry.number, entry.code) end
  entry.order = ARGV[3]
  finishEntry(id, entry, 'finished')
elseif entry.state ~= 'finished' then
  -- An order proves an admission: Redis has lost it, whether or not anybody has noticed.
  if entry.state == 'lobby' then leaveLobby(id) else takeOut(id, entry) end
  entry.order = ARGV[3]
  finishEntry(id, entry, 'finished')
end
return { entry.state }
