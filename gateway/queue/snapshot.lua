-- Everything a gateway process remembers of a sale, read in one moment.
--
-- ARGV[2]  the version (changes) whose waiting bits the process already has, or -1
-- ARGV[3]  the sale version whose definition it already has, or 0
-- ARGV[4]  how many of those who left the lobby it already knows; -1 when it does not want to know
--
-- {'no-sale'} | name, value, name, value, … as snapshot.ts names them; definition and bits only when they travel, and so
-- the next ids of those who left the lobby, with how many come before them
local IDS_MAX = 5000
local sale = loadSale()
if not sale then return { 'no-sale' } end
local queue = redis.call('HMGET', K.queue, 'changes', 'next', 'moves', 'runId', 'runBeganAt', 'eras', 'birth')
local changes = tonumber(queue[1] or 0)
-- After a loss: numbers are known of a queue whose lobby, which comes before them, is about to be frozen again.
local function isUnfrozen()
  local isBegun = now >= sale.opensAt and tonumber(queue[2] or 0) > 0
  return isBegun and redis.call('HGET', K.draw, 'state') == 'committed'
end

local reply = {
  'now', now,
  'state', stateOf(sale),
  'version', changes,
  'lastNumber', tonumber(queue[2] or 0),
  'moves', tonumber(queue[3] or 0),
  'run', queue[4] or '',
  'runBeganAt', tonumber(queue[5] or 0),
  'eras', queue[6] or '',
  'birth', queue[7] or '',
  'epoch', currentEpoch(),
  'recovering', (isRecovering() or isUnfrozen()) and 1 or 0,
  'lobby', lobbySize(),
  'lobbyLeft', tonumber(redis.call('HGET', K.queue, 'lobbyLeft') or 0),
  'waiting', redis.call('ZCARD', K.waiting),
  'ready', redis.call('ZCARD', K.ready) + redis.call('ZCARD', K.blocked),
  'returning', redis.call('ZCARD', K.returning),
  'admitted', redis.call('ZCARD', K.admitted),
  'silent', silentRooms(),
  'turnsLastMinute', sumOfLastMinute(K.turns),
  'allHeldUntil', allHeldUntil(),
  'seatsLeft', seatsLeft(),
  'heldBackBy', redis.call('HGET', K.queue, 'heldBackBy') or '',
  'pace', paceOfNow(),
  'drawState', redis.call('HGET', K.draw, 'state') or 'none',
  'unsavedChanges', redis.call('LLEN', K.unsaved),
}
local function add(name, value)
  reply[#reply + 1] = name
  reply[#reply + 1] = value
end
if tonumber(ARGV[2]) ~= changes then add('bits', redis.call('GET', K.bits) or '') end
if tonumber(ARGV[3]) ~= sale.version then add('definition', redis.call('HGET', K.sale, 'definition')) end
local known = tonumber(ARGV[4])
local gone = redis.call('LLEN', K.lobbyGone)
if known >= 0 and gone ~= known then
  if gone < known then known = 0 end
  add('leaversBefore', known)
  add('leavers', table.concat(redis.call('LRANGE', K.lobbyGone, known, known + IDS_MAX - 1), ' '))
end
return reply
