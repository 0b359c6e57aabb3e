-- A sale's figures as they are at this moment, whether or not anybody has tidied up: a turn past its deadline counts as
-- missed, an admission past its end as expired, and whoever waits when the sale ends as closed. Reads only.
--
-- joined = lobby + waiting + ready + admitted + all of ended; returning are those of missed who get the next free turn.
--
-- ARGV[2]  the sale version whose definition the process already has, or 0
--
-- {'no-sale'} | {now, state, saleVersion, definition or '', unsaved, joined, lobby, waiting, ready, returning, admitted,
--  finished, left, lapsed, missed, expired, closed, turns and joins in the last minute}
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

local definition = ''
if tonumber(ARGV[2]) ~= sale.version then definition = redis.call('HGET', K.sale, 'definition') end
return {
  now, state, sale.version, definition, redis.call('LLEN', K.unsaved), joined, lobby, waiting, ready, returning,
  admitted, finished, left, lapsed, missed, expired, closed, sumOfLastMinute(K.turns), sumOfLastMinute(K.joins),
}
