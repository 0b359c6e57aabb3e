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
-- After a loss an admission that Redis does not know may have bought, or been given back: gateways bring that back first
-- (gateway/recovery/keep-memory.ts waits for a second, and looks every fifth of one).
local READMIT_AFTER_MS = 2000
local sale = loadSale()
local isEarly = isRecovering() and now < tonumber(redis.call('HGET', K.queue, 'lostAt') or 0) + READMIT_AFTER_MS

-- An admission that Redis has lost is proved by its token alone. Its stand-in gives way to it; where there is none, one
-- other stand-in gives up its room, for all who are really in the shop have room in it.
local function readmit(asked, number, entry)
  local id = asked.id
  noteDrawn(number)
  local ends = asked.ends * 1000
  if entry then
    takeOut(id, entry)
    if entry.code then occupyCode(id, entry.number, entry.code) end
  else
    entry = { number = number > 0 and number or nil }
    count('joined', 1)
    if number > 0 then absorb(number, id) end
  end
  if redis.call('ZCARD', K.admitted) + redis.call('ZCARD', K.ready) >= sale.capacity then
    local last = redis.call('ZREVRANGE', K.admitted, 0, 0)[1]
    if last and isStandIn(last) then
      local standIn = readEntry(last)
      expireAdmission(last, standIn)
      standIn.displaced = true
      redis.call('HSET', K.entries, last, cjson.encode(standIn))
    end
  end
  entry.state = 'admitted'
  entry.adopted = true
  entry.displaced = nil
  entry.expiresAt = ends
  entry.jti = asked.jti
  entry.iat = asked.iat
  entry.exp = asked.exp
  -- Past its end only a hold carries it on; until when, the booking service will tell.
  entry.holdEnds = now >= ends and entry.exp * 1000 or nil
  redis.call('ZADD', K.admitted, deadlineOf(entry), id)
  writeEntry(id, entry)
  return entry
end

-- How a number ended for good, as far as is remembered, or nil.
local function endOf(number)
  if number == 0 then return nil end
  local standIn = readEntry(standInOf(number))
  local state = standIn and standIn.state or STATE_NAMES[stateCodes(number, number)[number]]
  if state == 'finished' or (state == 'expired' and not (standIn and standIn.displaced)) then return state end
  return nil
end

local function check(asked)
  local id = asked.id
  -- It is another fan's by now: the admission counts, the number does not.
  local number = asked.number > lastNumberAt(asked.iat) and 0 or asked.number
  local entry = currentEntry(id, 'open')
  if not entry then
    local over = endOf(number)
    if over then return { over == 'finished' and over or 'ended', 0, 0 } end
    if isEarly then return { 'early', 0, 0 } end
    entry = readmit(asked, number, nil)
  elseif not entry.jti and (entry.state ~= 'expired' or entry.displaced) and entry.state ~= 'finished' and entry.state ~= 'left' then
    if isEarly then return { 'early', 0, 0 } end
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
