-- Whether admissions may act now, many at once, each judged after the ones before it.
--
-- ARGV[2…] of each, seven values: the entry's id; the token's jti; seconds by which a payment that starts now may outlive
--          the admission's end, 0 for any other request; what else the verified token says: the queue number, 0 for none,
--          iat, exp and the admission's end, in seconds
--
-- Of each {'live' | 'finished' | 'ended' | 'unknown' | 'lost' (Redis does not know the sale at all) | 'early' (what became of it
-- may be brought back yet), when the fan's last
-- live hold was known to end before this call, else 0, milliseconds until the admission's fixed end; negative while only a
-- live hold carries it on}
local VALUES = 7
local sale = loadSale()
-- After a loss an admission that Redis does not know may have bought, or been given back: gateways bring that back first.
local isEarly = isRecovering() and now < tonumber(redis.call('HGET', K.queue, 'lostAt') or 0) + BROUGHT_BACK_MS

-- An admission that Redis has lost is proved by its token alone.
local function readmit(asked, number, entry)
  entry = bringBack(sale, asked.id, entry, number)
  entry.expiresAt = asked.ends * 1000
  entry.jti = asked.jti
  entry.iat = asked.iat
  entry.exp = asked.exp
  -- Past its end only a payment carries it on; until when, the booking service will tell.
  entry.holdEnds = entry.exp * 1000
  redis.call('ZADD', K.admitted, deadlineOf(entry), asked.id)
  noteSilent(asked.id, entry)
  writeEntry(asked.id, entry)
  return entry
end

-- Past its end a token that Redis does not know opens no shop whose room may be another's by now. To look it is enough that a room
-- is kept, for the entry or its number: that stays as it is, until it is known whose it is. A payment needs one as well, or one
-- that is free. `live` where it may only look, `ended`, or nil where it is to be brought back.
local function pastItsEnd(asked, number)
  if now < asked.ends * 1000 then return nil end
  local isKept = redis.call('ZSCORE', K.admitted, asked.id)
    or number > 0 and redis.call('ZSCORE', K.admitted, standInOf(number))
  if asked.extension == 0 then return isKept and 'live' or 'ended' end
  if isKept or not isFull(sale) or redis.call('EXISTS', K.silent) == 1 then return nil end
  return 'ended'
end

local function check(asked)
  local id = asked.id
  -- It is another fan's by now: the admission counts, the number does not.
  local number = asked.number > lastNumberAt(asked.iat) and 0 or asked.number
  local entry = currentEntry(id, 'open')
  local over = not entry and endOf(number)
  if over then return { over == 'finished' and over or 'ended', 0, 0 } end
  if not entry or not entry.jti and not isOverForGood(entry) then
    if isEarly then return { 'early', 0, 0 } end
    local past = pastItsEnd(asked, number)
    if past then return { past, 0, asked.ends * 1000 - now } end
    entry = readmit(asked, number, entry)
  end
  -- How it ended is known and its token is not, for Redis has lost that: a token says by itself whose it is.
  if entry.jti and entry.jti ~= asked.jti and not entry.adopted then return { 'unknown', 0, 0 } end
  if entry.state == 'finished' then return { 'finished', 0, 0 } end
  if entry.state ~= 'admitted' then return { 'ended', 0, 0 } end

  -- A payment under way is never thrown out: with a live hold the admission lasts at least as long as the booking service
  -- may extend that hold, which is bounded by the admission's fixed end.
  local known = entry.holdEnds or 0
  local extensionMs = asked.extension * 1000
  if extensionMs > 0 then
    -- Asked before it has begun, the booking service would not know of it.
    local asksFrom = redis.call('ZSCORE', K.holdsUnknown, id)
    if asksFrom and tonumber(asksFrom) < now + PAYMENT_BEGINS_MS then
      redis.call('ZADD', K.holdsUnknown, now + PAYMENT_BEGINS_MS, id)
    end
  end
  if extensionMs > 0 and known > now then
    local holdEnds = math.min(now, entry.expiresAt) + extensionMs
    if holdEnds > known then
      entry.holdEnds = holdEnds
      writeEntry(id, entry)
      redis.call('ZADD', K.admitted, 'XX', deadlineOf(entry), id)
      noteHolding(id, holdEnds)
    end
  end
  return { 'live', known, entry.expiresAt - now }
end

if sale then mayDrain() end
local answers = {}
for at = 2, #ARGV, VALUES do
  answers[#answers + 1] = sale and check({
    id = ARGV[at], jti = ARGV[at + 1], extension = tonumber(ARGV[at + 2]), number = tonumber(ARGV[at + 3]),
    iat = tonumber(ARGV[at + 4]), exp = tonumber(ARGV[at + 5]), ends = tonumber(ARGV[at + 6]),
  }) or { 'lost', 0, 0 }
end
return answers
