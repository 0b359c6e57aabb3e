-- An order was completed: its admission's room is free for the next fan. Repeating it changes nothing.
--
-- ARGV[2]  the entry's id
-- ARGV[3]  the order's id
-- ARGV[4]  what the admission's token says: the queue number, 0 for none or where it is not known, and
-- ARGV[5]  iat, in seconds
--
-- {'no-sale'} | {state, number, moment}: the entry's state from now on, its queue number or 0, and how far the queue is
if not loadSale() then return { 'no-sale' } end
local id = ARGV[2]
mayDrain()
local entry = readEntry(id)
local number = tonumber(ARGV[4])
-- It is another fan's by now.
if number > lastNumberAt(tonumber(ARGV[5])) then number = 0 end

-- After a loss: what stands in for the number gives way.
local function takeNumber()
  if number == 0 or entry.number or not entry.adopted then return false end
  noteDrawn(number)
  absorb(number, id)
  entry.number = number
  return true
end

if not entry then
  -- Redis has lost it. The order says what became of it, and the fan's token must not open the shop again.
  entry = { order = ARGV[3], adopted = true }
  takeNumber()
  count('joined', 1)
  finishEntry(id, entry, 'finished')
  return { 'finished', entry.number or 0, momentNow() }
end
if takeNumber() then writeEntry(id, entry) end
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
return { entry.state, entry.number or 0, momentNow() }
