-- Admissions that were brought back after a loss, are over by themselves, and of which nobody has asked yet whether a payment
-- carries them on.
--
-- ARGV[2]  '1' for who asks already: of all gateways one asks at a time
--
-- {} | {epoch, now, id, id, …}: at most ENDS_PER_CALL_MAX
local ASK_EVERY_MS = 1000
if not loadSale() then return {} end
local known = redis.call('HMGET', K.queue, 'lostAt', 'silentAskedAt')
-- A payment may have been let in just before the loss.
if now < tonumber(known[1] or 0) + PAYMENT_BEGINS_MS then return {} end
local askedAt = tonumber(known[2] or 0)
if ARGV[2] ~= '1' and askedAt <= now and now < askedAt + ASK_EVERY_MS then return {} end
local ids = areStandInsOver(now) and redis.call('ZRANGE', K.silent, 0, ENDS_PER_CALL_MAX - 1) or {}
local most = ENDS_PER_CALL_MAX - #ids
local due = most > 0 and redis.call('ZRANGEBYSCORE', K.holdsUnknown, '-inf', now, 'LIMIT', 0, most) or {}
if #ids + #due == 0 then return {} end
mayDrain()
for _, id in ipairs(due) do
  local entry = readEntry(id)
  if entry and isUnproven(entry) and now < silentUntil() then
    -- Another loss has come since.
    redis.call('ZADD', K.holdsUnknown, silentUntil(), id)
  else
    ids[#ids + 1] = id
  end
end
if #ids == 0 then return {} end
redis.call('HSET', K.queue, 'silentAskedAt', now)
return { currentEpoch(), now, unpack(ids) }
