-- Payments that go on, as the booking service knows them: each keeps a room exactly as long as its hold lasts.
--
-- ARGV[2]  the epoch in which it was asked (list-silent.lua), and
-- ARGV[3]  when
-- ARGV[4…] of each entry's longest hold, four values: the entry; what its order's token said: the queue number, 0 for none, and iat, in seconds;
--          for how many milliseconds the hold lives on
--
-- 1 | 0 when that is another epoch by now, or too long ago
local VALUES = 4
local sale = loadSale()
if not sale or currentEpoch() ~= tonumber(ARGV[2]) or isOldAnswer(tonumber(ARGV[3])) then return 0 end
mayDrain()
local asOf = tonumber(ARGV[3])

local function carryOn(id, entry, ends)
  entry.holdEnds = ends
  entry.exp = math.max(entry.exp, math.ceil(ends / 1000))
  redis.call('ZREM', K.silent, id)
  redis.call('ZREM', K.holdsUnknown, id)
  redis.call('ZADD', K.admitted, deadlineOf(entry), id)
  writeEntry(id, entry)
  noteHolding(id, ends)
end

local function note(id, number, iat, ends)
  if number > lastNumberAt(iat) then number = 0 end
  local entry = currentEntry(id, 'open')
  if entry and entry.state == 'admitted' then
    local asksFrom = tonumber(redis.call('ZSCORE', K.holdsUnknown, id) or nil)
    if asksFrom and asksFrom <= asOf then carryOn(id, entry, ends) end
    return
  end
  -- What Redis knows of its end it knows better, and a newer answer may have ended it.
  if entry and (entry.jti or isOverForGood(entry)) then return end
  local standIn = standInOf(number)
  if redis.call('ZSCORE', K.silent, standIn) then
    if areStandInsOver(asOf) then carryOn(standIn, readEntry(standIn), ends) end
    return
  end
  -- Let in in the last moments before the loss, which nobody remembers: some stand-in has kept the room.
  if endOf(number) then return end
  entry = bringBack(sale, id, entry, number)
  entry.expiresAt = math.max(now, silentUntil())
  entry.exp = math.ceil(math.max(ends, entry.expiresAt) / 1000)
  carryOn(id, entry, ends)
end

for at = 4, #ARGV, VALUES do
  note(ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), now + tonumber(ARGV[at + 3]))
end
return 1
