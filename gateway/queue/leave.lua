-- A fan goes: a place or a room is free at once. Leaving twice is leaving once.
--
-- ARGV[2]  the entry's id
--
-- {'no-sale'} | {'unknown'} | {state, number, moment}: the entry's state from now on ('left'; 'finished' for an admitted fan;
-- or the state in which it had already ended), its queue number or 0, and how far the queue is
local sale = loadSale()
if not sale then return { 'no-sale' } end
local id = ARGV[2]
mayDrain()
local entry = currentEntry(id, 'open')
if not entry then return { 'unknown' } end

if entry.state == 'waiting' then
  stopWaiting(id, entry.number)
  finishEntry(id, entry, 'left')
elseif entry.state == 'lobby' then
  leaveLobby(id)
  finishEntry(id, entry, 'left')
  count('lobbyLeft', 1)
  -- Until the draw is written down gateways know all others of the lobby to be in it, without asking (snapshot.lua).
  redis.call('RPUSH', K.lobbyGone, id)
  changed()
elseif entry.state == 'ready' then
  redis.call('ZREM', K.ready, id)
  redis.call('ZREM', K.blocked, id)
  redis.call('ZREM', K.called, id)
  finishEntry(id, entry, 'left')
elseif entry.state == 'admitted' then
  leaveShop(id)
  finishEntry(id, entry, 'finished')
elseif entry.returning then
  redis.call('ZREM', K.returning, id)
  entry.returning = nil
  count('ended:missed', -1)
  finishEntry(id, entry, 'left')
end
return { entry.state, entry.number or 0, momentNow() }
