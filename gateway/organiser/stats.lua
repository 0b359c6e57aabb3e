-- A sale's figures as they are at this moment, whether or not anybody has tidied up: a turn past its deadline counts as
-- missed, an admission past its end as expired, and whoever waits when the sale ends as closed. Reads only.
--
-- joined = lobby + waiting + ready + admitted + all of ended; returning are those of missed who get the next free turn.
--
-- ARGV[2]  the sale version whose definition the process already has, or 0
--
-- {'no-sale'} | name, value, name, value, … as stats.ts names them; the definition only when it travels
local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)
local names = { 'joined', 'ended:finished', 'ended:left', 'ended:lapsed', 'ended:missed', 'ended:expired', 'ended:closed' }
local counted = redis.call('HMGET', K.queue, unpack(names))
for i = 1, #names do counted[i] = tonumber(counted[i] or 0) end
local joined, finished, left, lapsed, missed, expired, closed = unpack(counted)

local unclaimed = redis.call('ZCOUNT', K.ready, '-inf', now)
local over = redis.call('ZCOUNT', K.admitted, '-inf', now)
local lobby = lobbySize()
local waiting = redis.call('ZCARD', K.waiting)
local ready = redis.call('ZCARD', K.ready) - unclaimed + redis.call('ZCARD', K.blocked)
local returning = redis.call('ZCARD', K.returning)
local admitted = redis.call('ZCARD', K.admitted) - over
missed = missed + unclaimed
expired = expired + over
if hasEnded(state) then
  closed = closed + lobby + waiting + ready + returning
  missed = missed - returning
  lobby, waiting, ready, returning = 0, 0, 0, 0
end

local pace = redis.call('HMGET', K.queue, 'effectivePerMinute', 'rateReason', 'heldBackBy', 'overbooked', 'outcomes', 'noShows')
local heldBack = state == 'paused' and 'pause' or state == 'open' and pace[3] or ''
local outcomes = tonumber(pace[5] or 0)
local told = redis.call('HMGET', K.queue, 'forecasts:inside', 'forecasts:sooner', 'forecasts:later')

local reply = {
  'now', now,
  'state', state,
  'version', sale.version,
  'unsavedChanges', redis.call('LLEN', K.unsaved),
  'joined', joined,
  'lobby', lobby,
  'waiting', waiting,
  'ready', ready,
  'returning', returning,
  'admitted', admitted,
  'finished', finished,
  'left', left,
  'lapsed', lapsed,
  'missed', missed,
  'expired', expired,
  'closed', closed,
  'turnsLastMinute', sumOfLastMinute(K.turns),
  'joinsLastMinute', sumOfLastMinute(K.joins),
  'effectivePerMinute', tonumber(pace[1] or sale.admitPerMinute),
  'rateReason', pace[2] or (sale.adaptive and 'asked' or 'off'),
  'heldBackBy', heldBack or '',
  'overbooking', tonumber(pace[4] or 0),
  'noShowPerMille', outcomes >= OUTCOMES_MIN and math.floor(1000 * tonumber(pace[6] or 0) / outcomes + 0.5) or -1,
  'allHeldUntil', allHeldUntil(),
  'seatsLeft', seatsLeft(),
  'pace', paceOfNow(),
  'inside', tonumber(told[1] or 0),
  'sooner', tonumber(told[2] or 0),
  'later', tonumber(told[3] or 0),
}
if tonumber(ARGV[2]) ~= sale.version then
  reply[#reply + 1] = 'definition'
  reply[#reply + 1] = redis.call('HGET', K.sale, 'definition')
end
return reply
