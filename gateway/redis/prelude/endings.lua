local function finishEntry(id, entry, state)
  entry.state = state
  entry.endedAt = now
  entry.claimBy = nil
  writeEntry(id, entry)
  moved()
  count('ended:' .. state, 1)
  -- A missed turn keeps its code while its owner may still come back for the next one.
  if state == 'finished' then
    redis.call('ZREM', K.codeMissed, id)
  elseif state == 'missed' and not entry.returned then
    if redis.call('HEXISTS', K.codeOf, id) == 1 then redis.call('ZADD', K.codeMissed, now, id) end
  else
    giveCodeBack(id)
  end
end

-- How the turns of a sale ended lately: with every later outcome an earlier one counts for a little less, so that about
-- the last 200 are remembered.
local OUTCOME_DECAY = 0.995
-- Fewer of them say nothing.
local OUTCOMES_MIN = 20
local function noteOutcomes(claimed, missed)
  local known = redis.call('HMGET', K.queue, 'outcomes', 'noShows')
  local decay = OUTCOME_DECAY ^ (claimed + missed)
  local weight = (1 - decay) / (1 - OUTCOME_DECAY)
  redis.call('HSET', K.queue, 'outcomes', tonumber(known[1] or 0) * decay + weight,
    'noShows', tonumber(known[2] or 0) * decay + weight * missed / (claimed + missed))
end

-- A turn nobody claimed in time: its room is free at once. Whoever ends turns notes how many were missed.
local function missTurn(id, entry)
  redis.call('ZREM', K.ready, id)
  finishEntry(id, entry, 'missed')
end

-- Which admitted fans have seats on hold, until when (`holding`) and since when (`holding-since`).
local function holdsNothing(id)
  redis.call('ZREM', K.holding, id)
  redis.call('ZREM', K.holdingSince, id)
end

local function noteHolding(id, holdEnds)
  if holdEnds <= now then return holdsNothing(id) end
  redis.call('ZADD', K.holding, holdEnds, id)
  redis.call('ZADD', K.holdingSince, 'NX', now, id)
end

-- The room of an admitted fan is free.
local function leaveShop(id)
  redis.call('ZREM', K.admitted, id)
  redis.call('ZREM', K.silent, id)
  redis.call('ZREM', K.holdsUnknown, id)
  holdsNothing(id)
end

-- An admission past its end (or the end of its last hold).
local function expireAdmission(id, entry)
  leaveShop(id)
  -- Kept for an order that was paid in time and becomes known late.
  entry.code = redis.call('HGET', K.codeOf, id) or nil
  finishEntry(id, entry, 'expired')
end

-- How long an admission lasts: to its fixed end, or to the end of a live hold, never beyond the token's own.
local function deadlineOf(entry)
  return math.max(entry.expiresAt, math.min(entry.holdEnds or 0, entry.exp * 1000))
end

-- Admissions that were brought back after a loss, and of which nobody has asked the booking service yet whether a payment goes on
-- in them (gateway/recovery/silent-rooms.ts). `silent` has the stand-ins among them, by number, which are all over at
-- silentUntil; `holds-unknown` those whose fans are known, by when they are over. What Redis has of their holds is the longest
-- they could last.
local function noteSilent(id, entry)
  if isStandIn(id) then
    redis.call('ZADD', K.silent, entry.number, id)
  else
    redis.call('ZADD', K.holdsUnknown, entry.expiresAt, id)
  end
end

-- After a loss: an admission that was brought back without its token. Should another loss have come since, nobody can tell
-- once more whose room it is, and it has the time that all of those have.
local function isUnproven(entry) return entry.adopted and not entry.jti end
local function lastsOn(id, entry)
  if not isUnproven(entry) then return false end
  local ends = silentUntil()
  if entry.expiresAt >= ends then return false end
  entry.exp = entry.exp + math.ceil((ends - entry.expiresAt) / 1000)
  entry.expiresAt = ends
  entry.holdEnds = entry.exp * 1000
  writeEntry(id, entry)
  redis.call('ZADD', K.admitted, deadlineOf(entry), id)
  noteSilent(id, entry)
  return deadlineOf(entry) > now
end

-- After a loss more may be remembered of an entry's number than of itself (gateway/recovery/restore.lua): how it ended then,
-- or nil.
local function rememberedEnd(entry)
  local known = STATE_CODES[entry.state] or 0
  local isOver = known == STATE_CODES.missed and not entry.returning or known > STATE_CODES.admitted
  if not isOver or not entry.number or currentEpoch() == 1 then return nil end
  local code = stateCodes(entry.number, entry.number)[entry.number]
  return code > math.max(known, STATE_CODES.admitted) and STATE_NAMES[code] or nil
end

-- The entry as it is at this moment: a deadline that has passed acts here, whether or not anybody tidied up.
local function currentEntry(id, saleState)
  local entry = readEntry(id)
  if not entry then return nil end
  local remembered = rememberedEnd(entry)
  if remembered then
    entry.state = remembered
    redis.call('HSET', K.entries, id, cjson.encode(entry))
    if remembered == 'finished' then redis.call('ZREM', K.codeMissed, id) else giveCodeBack(id) end
  end
  if entry.state == 'ready' and entry.claimBy and entry.claimBy <= now and not mustWait() then
    missTurn(id, entry)
    noteOutcomes(0, 1)
  elseif entry.state == 'admitted' and deadlineOf(entry) <= now and not lastsOn(id, entry) then
    expireAdmission(id, entry)
  end
  local live = entry.state == 'waiting' or entry.state == 'ready' or entry.state == 'lobby' or entry.returning
  if live and hasEnded(saleState) then
    return { state = 'closed', number = entry.number }
  end
  return entry
end

-- Within graceSeconds of a missed turn its owner gets the next free one, once.
local function comeBack(id, entry, sale)
  if entry.state ~= 'missed' or entry.returning or entry.returned or entry.rejoined then return end
  if entry.endedAt + sale.graceMs <= now then return end
  -- The code's use was given back, and may be another fan's by now: the grace was longer made since.
  if sale.codeUses > 0 and not entry.adopted and redis.call('HEXISTS', K.codeOf, id) == 0 then return end
  entry.returning = true
  entry.returned = true
  writeEntry(id, entry)
  redis.call('ZADD', K.returning, entry.number, id)
  redis.call('ZREM', K.codeMissed, id)
end

-- The codes of turns that were missed for good, and of those who have not come back after a loss.
local MISSED_CODES_PER_CALL = 250
local function giveMissedCodesBack(sale)
  local over = redis.call('ZRANGEBYSCORE', K.codeMissed, '-inf', now - sale.graceMs, 'LIMIT', 0, MISSED_CODES_PER_CALL)
  for _, id in ipairs(over) do
    local entry = currentEntry(id, 'open')
    if not entry or entry.state == 'missed' and not entry.returning then
      giveCodeBack(id)
    else
      -- Back since, by a way that did not know of it (gateway/recovery/restore-codes.lua).
      redis.call('ZREM', K.codeMissed, id)
    end
  end
end

local function expireAdmissions(most)
  local over = redis.call('ZRANGEBYSCORE', K.admitted, '-inf', now, 'LIMIT', 0, most)
  if #over > 0 and isToBeCompared() then return 0 end
  for _, id in ipairs(over) do
    local entry = readEntry(id)
    if not lastsOn(id, entry) then expireAdmission(id, entry) end
  end
  return #over
end
