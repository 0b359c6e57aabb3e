-- Everything a gateway process remembers of a sale, read in one moment.
--
-- ARGV[2]  the version (changes) whose waiting bits the process already has, or -1
-- ARGV[3]  the sale version whose definition it already has, or 0
--
-- {'no-sale'} | {now, state, changes, next, waiting, ready, admitted, turnsLastMinute, drawState, unsaved, soldOut 0/1,
--  saleVersion, definition or '', bits or false, lobby, returning, lobbyLeft}
local sale = loadSale()
if not sale then return { 'no-sale' } end
local queue = redis.call('HMGET', K.queue, 'changes', 'next')
local changes = tonumber(queue[1] or 0)

local bits = false
if tonumber(ARGV[2]) ~= changes then bits = redis.call('GET', K.bits) or '' end
local definition = ''
if tonumber(ARGV[3]) ~= sale.version then definition = redis.call('HGET', K.sale, 'definition') end
return {
  now, stateOf(sale), changes, tonumber(queue[2] or 0), redis.call('ZCARD', K.waiting),
  redis.call('ZCARD', K.ready) + redis.call('ZCARD', K.blocked), redis.call('ZCARD', K.admitted),
  sumOfLastMinute(K.turns),
  redis.call('HGET', K.draw, 'state') or 'none', redis.call('LLEN', K.unsaved), sale.soldOut and 1 or 0,
  sale.version, definition, bits, lobbySize(), redis.call('ZCARD', K.returning),
  tonumber(redis.call('HGET', K.queue, 'lobbyLeft') or 0),
}
