-- What a sale's queue says of itself, all of one moment. Reads only.
--
-- the figures as JSON, 'null' for a sale that is not here
local sale = loadSale()
if not sale then return 'null' end
local queue = {}
local packed = redis.call('HGETALL', K.queue)
for i = 1, #packed, 2 do queue[packed[i]] = tonumber(packed[i + 1]) end
local ended = 0
for name, value in pairs(queue) do
  if string.sub(name, 1, 6) == 'ended:' then ended = ended + value end
end
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries')
local function first(key) return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) end
local last = queue.next or 0
return cjson.encode({
  now = now, state = stateOf(sale), version = sale.version, capacity = sale.capacity, opensAt = sale.opensAt,
  claimMs = sale.claimMs, admissionMs = sale.admissionMs,
  definition = redis.call('HGET', K.sale, 'definition'),
  live = redis.call('HMGET', K.sale, 'capacity', 'admitPerMinute', 'paused', 'claimMs', 'admissionMs', 'graceMs'),
  unsaved = redis.call('LLEN', K.unsaved),
  last = last, joined = queue.joined or 0, ended = ended,
  lobby = lobbySize(), waiting = redis.call('ZCARD', K.waiting), bits = redis.call('BITCOUNT', K.bits),
  ready = redis.call('ZCARD', K.ready), blocked = redis.call('ZCARD', K.blocked),
  admitted = redis.call('ZCARD', K.admitted), returning = redis.call('ZCARD', K.returning),
  outside = redis.call('ZCOUNT', K.waiting, '-inf', '(1') + redis.call('ZCOUNT', K.waiting, '(' .. last, '+inf'),
  firstWaiting = first(K.waiting), firstClaimBy = first(K.ready), firstExpiry = first(K.admitted),
  turnsGivenAt = queue.turnTokensAt, waitsUntil = math.max(queue.recoveredAt or 0, queue.settledAt or 0),
  recovering = isRecovering(), restoredTo = queue.restoredTo or 0, overbooked = queue.overbooked or 0,
  drawState = draw[1] or 'none', drawPlaced = tonumber(draw[2] or 0), drawEntries = tonumber(draw[3] or 0),
})
