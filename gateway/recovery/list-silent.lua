-- Admissions that were brought back after a loss, are over by themselves, and of which nobody has asked yet whether a payment
-- carries them on.
--
-- {} | {epoch, id, id, …}: at most ENDS_PER_CALL_MAX
if not loadSale() then return {} end
-- A payment may have been let in just before the loss.
if now < tonumber(redis.call('HGET', K.queue, 'lostAt') or 0) + PAYMENT_BEGINS_MS then return {} end
local listed = { currentEpoch() }
if areStandInsOver() then
  for _, id in ipairs(redis.call('ZRANGE', K.silent, 0, ENDS_PER_CALL_MAX - 1)) do listed[#listed + 1] = id end
end
local most = ENDS_PER_CALL_MAX - #listed + 1
local known = most > 0 and redis.call('ZRANGEBYSCORE', K.holdsUnknown, '-inf', now, 'LIMIT', 0, most) or {}
for _, id in ipairs(known) do
  local entry = readEntry(id)
  if entry and isUnproven(entry) and now < silentUntil() then
    -- Another loss has come since.
    mayDrain()
    redis.call('ZADD', K.holdsUnknown, silentUntil(), id)
  else
    listed[#listed + 1] = id
  end
end
return #listed > 1 and listed or {}
