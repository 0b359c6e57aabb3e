-- Stands in front of every script of a sale (gateway/redis/script.ts). Every script gets all keys of its sale, in the
-- order of gateway/redis/keys.ts, and as ARGV[1] the time in epoch milliseconds, empty for Redis' own clock.
local K = {
  sale = KEYS[1], queue = KEYS[2], waiting = KEYS[3], bits = KEYS[4], ready = KEYS[5], blocked = KEYS[6],
  returning = KEYS[7], admitted = KEYS[8], entries = KEYS[9], lobby = KEYS[10], frozen = KEYS[11], draw = KEYS[12],
  drawn = KEYS[13], turns = KEYS[14], unsaved = KEYS[15], seen = { KEYS[16], KEYS[17], KEYS[18], KEYS[19] },
  absent = KEYS[20], scratch = KEYS[21], joins = KEYS[22], codes = KEYS[23], codeOf = KEYS[24],
  codeMissed = KEYS[25], holding = KEYS[26], holdingSince = KEYS[27], called = KEYS[28], forecasts = KEYS[29],
  measures = KEYS[30], states = KEYS[31],
  lobbyLeft = KEYS[32], lobbyGone = KEYS[33], codeLog = KEYS[34],
}

-- Most entries one call changes, so that no call keeps Redis from others for more than a few milliseconds.
local SLICE = 500
-- Ending an entry takes Redis three times as long as a turn does.
local ENDS_PER_CALL_MAX = 150

local function currentTime()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local now = currentTime()

-- A Redis that is full refuses a script whose first write adds. Scripts that drain the queue, or with which the
-- organiser protects the shop, therefore begin with a write that removes.
local function mayDrain() redis.call('DEL', K.scratch) end

-- A Redis that has just started, or has taken over from another, may not have the last moments of the one before, and
-- only the gateways can tell. No number and no turn is given before each of them has had time to compare (SETTLE_MS), nor
-- while a queue is being restored. What the queue was like at the start is noted before anything moves in it: who remembers
-- more than that knows of a loss, whatever has happened since (gateway/recovery/memory.ts).
local SETTLE_MS = 2000
-- A frozen lobby whose draw is known again, and who was in it not yet (gateway/recovery/restore-draw.lua).
local function isLobbyMissing() return redis.call('HEXISTS', K.draw, 'lobbyMissing') == 1 end
local function runId() return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
-- Until when no number and no turn is given. Asked once a call: telling one run from another takes Redis as long as ten turns.
local metUntil = nil
local function meetRun()
  if metUntil then return metUntil end
  local known = redis.call('HMGET', K.queue, 'runId', 'moves', 'settledAt', 'recoveredAt')
  local settledAt = tonumber(known[3] or 0)
  local current = runId()
  if known[1] ~= current then
    settledAt = now + SETTLE_MS
    redis.call('HSET', K.queue, 'runId', current, 'runBeganAt', known[2] or 0, 'settledAt', settledAt)
  end
  metUntil = math.max(settledAt, tonumber(known[4] or 0))
  return metUntil
end
local function mustWait() return now < meetRun() or isLobbyMissing() end

-- The queue's epoch rises whenever Redis has lost data; entries of an earlier one are told from what gateways remember.
local function currentEpoch() return tonumber(redis.call('HGET', K.queue, 'epoch') or 1) end
local function isRecovering()
  return now < tonumber(redis.call('HGET', K.queue, 'recoveredAt') or 0) or isLobbyMissing()
end

-- While places are being brought back nobody's is shown: not before all of them are there.
local TAIL_MS = 2000
local function keepRecovering()
  local recoveredAt = math.max(tonumber(redis.call('HGET', K.queue, 'recoveredAt') or 0), now + TAIL_MS)
  redis.call('HSET', K.queue, 'recoveredAt', recoveredAt, 'rampFrom', recoveredAt)
  return recoveredAt
end

-- Polls carry the version they last saw; by this leap every later one is above whatever anybody has seen. Where nobody
-- remembers that, the clock does: changes are fewer than milliseconds.
local VERSION_LEAP = 1000000
-- Everybody who is there has asked twice by then; whoever waits is told to ask four times within graceSeconds (status.ts).
local POLLS_PER_RECOVERY = 2
local POLLS_PER_GRACE = 4
-- Redis has lost data of this queue. `longestPollMs`: the longest time after which a fan is told to ask again.
local function beginRecovery(sale, seenEpoch, seenVersion, longestPollMs)
  local version = math.max(tonumber(redis.call('HGET', K.queue, 'changes') or 0), seenVersion, now) + VERSION_LEAP
  local recoveredAt = now + math.ceil(POLLS_PER_RECOVERY * math.min(longestPollMs, sale.graceMs / POLLS_PER_GRACE))
  redis.call('HSET', K.queue, 'epoch', math.max(currentEpoch(), seenEpoch) + 1, 'changes', string.format('%d', version),
    'lostAt', now, 'recoveredAt', recoveredAt, 'rampFrom', recoveredAt)
end

-- Numbers above the last that anybody remembered are given again in the epoch after a loss. `eras` says of each epoch in
-- which any were given above which number, and since when: 'epoch:above:ms …', without the time where it was noted before
-- that was.
local function noteEra(epoch, above, at)
  if epoch == 1 then return end
  local eras = redis.call('HGET', K.queue, 'eras') or ''
  if string.find(' ' .. eras, ' ' .. epoch .. ':', 1, true) then return end
  local since = at and string.format(':%.0f', at) or ''
  redis.call('HSET', K.queue, 'eras', string.format('%s%s%d:%d%s', eras, eras == '' and '' or ' ', epoch, above, since))
end

-- The last number for which the word of an epoch counts: higher ones have been given again since, or may have been.
local function lastNumberOf(epoch)
  local last = math.huge
  for era, above in string.gmatch(redis.call('HGET', K.queue, 'eras') or '', '(%d+):(%d+)') do
    if tonumber(era) > epoch then last = math.min(last, tonumber(above)) end
  end
  return last
end

-- The same for the word of an admission token, which says no epoch but when it was made, in seconds.
local function lastNumberAt(madeAt)
  local last = math.huge
  for above, since in string.gmatch(redis.call('HGET', K.queue, 'eras') or '', '%d+:(%d+):(%d+)') do
    if madeAt < math.floor(tonumber(since) / 1000) then last = math.min(last, tonumber(above)) end
  end
  return last
end

-- A number newer than anything that any gateway remembers, proved by its ticket or token: no other fan gets it.
local function noteTaken(number)
  local last = math.max(number, tonumber(redis.call('HGET', K.queue, 'next') or 0))
  redis.call('HSET', K.queue, 'next', last, 'restoredTo', last)
end

-- Whoever speaks for an epoch before the last has slept through a whole recovery. In the first half of the next one those
-- speak who have not: they know which numbers have been given again.
local function mustSpeakLater(epoch)
  local times = redis.call('HMGET', K.queue, 'lostAt', 'recoveredAt')
  return epoch < currentEpoch() - 1 and 2 * now < tonumber(times[1] or 0) + tonumber(times[2] or 0)
end

-- The sale's settings as numbers, or nil for a sale that is not here.
local function loadSale()
  local f = redis.call('HMGET', K.sale, 'version', 'opensAt', 'lobbyOpensAt', 'closesAt', 'closedAt', 'paused',
    'soldOut', 'capacity', 'admitPerMinute', 'claimMs', 'admissionMs', 'graceMs', 'codeUses', 'adaptive', 'minPerMinute')
  if not f[1] then return nil end
  return {
    version = tonumber(f[1]), opensAt = tonumber(f[2]), lobbyOpensAt = tonumber(f[3]), closesAt = tonumber(f[4]),
    closedAt = tonumber(f[5]), paused = f[6] == '1', soldOut = f[7] == '1', capacity = tonumber(f[8]),
    admitPerMinute = tonumber(f[9]), claimMs = tonumber(f[10]), admissionMs = tonumber(f[11]),
    graceMs = tonumber(f[12]), codeUses = tonumber(f[13] or 0), adaptive = f[14] ~= '0',
    minPerMinute = tonumber(f[15] or 1),
  }
end

-- The one place that derives a sale's state; 0 stands for a time that is not set.
local function stateOf(sale)
  if sale.closedAt > 0 and now >= sale.closedAt then return 'closed' end
  if sale.closesAt > 0 and now >= sale.closesAt then return 'closed' end
  if now < sale.opensAt then
    if sale.lobbyOpensAt > 0 and now >= sale.lobbyOpensAt then return 'lobby' end
    return 'scheduled'
  end
  if sale.soldOut then return 'soldOut' end
  if sale.paused then return 'paused' end
  return 'open'
end

local function hasEnded(state) return state == 'closed' or state == 'soldOut' end

local function count(name, by) redis.call('HINCRBY', K.queue, name, by) end

-- What happened in each second of the last minute: one field a second, "second:times".
local function countInSecond(key, by)
  local second = math.floor(now / 1000)
  local field = second % 60
  local at, sum = string.match(redis.call('HGET', key, field) or '', '^(%d+):(%d+)$')
  if tonumber(at) ~= second then sum = 0 end
  redis.call('HSET', key, field, string.format('%d:%d', second, tonumber(sum) + by))
end

local function sumOfLastMinute(key)
  local sum = 0
  local second = math.floor(now / 1000)
  for _, packed in ipairs(redis.call('HVALS', key)) do
    local at, times = string.match(packed, '^(%d+):(%d+)$')
    if tonumber(at) > second - 60 then sum = sum + tonumber(times) end
  end
  return sum
end

-- A count of the seats that is older says nothing about now.
local SEATS_AGE_MS_MAX = 3000

-- While every remaining seat is on hold: when the next may return; else 0.
local function allHeldUntil()
  local seats = redis.call('HMGET', K.queue, 'allHeldUntil', 'seatsAt')
  if now - tonumber(seats[2] or 0) > SEATS_AGE_MS_MAX then return 0 end
  return tonumber(seats[1] or 0)
end

-- Seats that nobody has bought, of all that can be; -1 when that is not known of now.
local function seatsLeft()
  local seats = redis.call('HMGET', K.queue, 'seatsOpen', 'seatsHeld', 'seatsAt')
  local at = tonumber(seats[3] or 0)
  if at == 0 or now - at > SEATS_AGE_MS_MAX then return -1 end
  return tonumber(seats[1] or 0) + tonumber(seats[2] or 0)
end

-- After a pause or a recovery the rate of turns grows for so long.
local RAMP_MS = 30000
-- What was measured longer ago is over.
local PACE_AGE_MS_MAX = 30000

-- How fast the queue moves, as measure.lua packed it; empty when that says nothing about what comes.
local function paceOfNow()
  local known = redis.call('HMGET', K.queue, 'pace', 'measuredAt', 'rampFrom')
  if isRecovering() or now - tonumber(known[2] or 0) > PACE_AGE_MS_MAX then return '' end
  if now - tonumber(known[3] or 0) < RAMP_MS then return '' end
  return known[1] or ''
end

-- Whatever changes who waits, or what became of anybody, moves the queue on: one step a call, by which gateways see that
-- Redis went back.
local hasMoved = false
local function moved()
  if hasMoved then return end
  hasMoved = true
  meetRun()
  count('moves', 1)
end

-- Whatever changes who waits moves the version that polls carry.
local function changed()
  moved()
  count('changes', 1)
end

-- What became of each queue number, half a byte a number (BITFIELD u4): with the waiting bits it is what every gateway
-- remembers of the queue, for the day Redis has lost it (gateway/recovery). 0 while a number waits, and then ever further
-- along: of two memories the higher one is the newer.
local STATE_NAMES = { 'ready', 'missed', 'admitted', 'left', 'lapsed', 'expired', 'closed', 'finished' }
local STATE_CODES = {}
for code, name in ipairs(STATE_NAMES) do STATE_CODES[name] = code end
local function writeState(number, state)
  local before = redis.call('BITFIELD', K.states, 'SET', 'u4', '#' .. number, STATE_CODES[state])[1]
  if before ~= STATE_CODES[state] then moved() end
end

-- The same for many numbers in rising order: one write where they lie close together.
local STATE_BYTES_MAX = 4000
local function writeStates(numbers, state)
  local first, last = math.floor(numbers[1] / 2), math.floor(numbers[#numbers] / 2)
  if last - first >= STATE_BYTES_MAX then
    for _, number in ipairs(numbers) do writeState(number, state) end
    return
  end
  local bytes = { string.byte(redis.call('GETRANGE', K.states, first, last), 1, -1) }
  for i = #bytes + 1, last - first + 1 do bytes[i] = 0 end
  for _, number in ipairs(numbers) do
    local i = math.floor(number / 2) - first + 1
    if number % 2 == 0 then
      bytes[i] = STATE_CODES[state] * 16 + bytes[i] % 16
    else
      bytes[i] = bytes[i] - bytes[i] % 16 + STATE_CODES[state]
    end
  end
  redis.call('SETRANGE', K.states, first, string.char(unpack(bytes)))
  moved()
end

-- The codes of some numbers' states, by number.
local function stateCodes(from, to)
  local first = math.floor(from / 2)
  local bytes = redis.call('GETRANGE', K.states, first, math.floor(to / 2))
  local codes = {}
  for number = from, to do
    local byte = string.byte(bytes, math.floor(number / 2) - first + 1) or 0
    codes[number] = number % 2 == 0 and math.floor(byte / 16) or byte % 16
  end
  return codes
end

-- What stands in for the owner of a number whom nobody has remembered since a loss (gateway/recovery/restore.lua).
local function standInOf(number) return '~' .. string.format('%d', number) end
local function isStandIn(id) return string.byte(id) == 126 end

-- Entries are recorded here from the moment they stop merely waiting.
local function writeEntry(id, entry)
  if entry.number then writeState(entry.number, entry.state) end
  redis.call('HSET', K.entries, id, cjson.encode(entry))
end

-- A turn that was just given is recorded as its queue number alone, for a call gives hundreds of them: when it has to be
-- claimed by is its score in `ready`.
local function unpackEntry(id, packed)
  local number = tonumber(packed)
  if not number then return cjson.decode(packed) end
  return { state = 'ready', number = number, claimBy = tonumber(redis.call('ZSCORE', K.ready, id)) }
end

local function readEntry(id)
  local packed = redis.call('HGET', K.entries, id)
  if packed then return unpackEntry(id, packed) end
  local number = redis.call('ZSCORE', K.waiting, id)
  if number then return { state = 'waiting', number = tonumber(number) } end
  if redis.call('ZSCORE', K.lobby, id) then return { state = 'lobby' } end
  -- Frozen, and the draw has not written this entry's number down yet.
  if redis.call('ZSCORE', K.frozen, id) then return { state = 'lobby' } end
  return nil
end

-- From the freeze of the lobby until its last number is written down: frozen, awaitingBeacon, drawing.
local function isUnderWay(drawState)
  return drawState == 'frozen' or drawState == 'awaitingBeacon' or drawState == 'drawing'
end
-- The lobby's numbers are given: by the draw, or, after a loss in which nobody could tell how it had been drawn, without a
-- proof (gateway/recovery/settle-lobby.lua).
local function isOver(drawState) return drawState == 'drawn' or drawState == 'unproven' end

-- The draw of a lobby with nobody in it: nothing is drawn, so nothing is waited for.
local EMPTY_DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
local function drawNobody() redis.call('HSET', K.draw, 'digest', EMPTY_DIGEST, 'digestAt', now, 'drawnAt', now) end

-- What became of the beacon that a draw waits for: {value} or {without, a reason}.
local function mixIn(given)
  redis.call('HSET', K.draw, given.value and 'beacon' or 'withoutBeacon', given.value or given.without, 'beaconAt', now)
end

-- A lobby is closed once more, after a loss, when the value that its draw waited for is known already: it would prove
-- nothing, and the draw must not seem to be proven by it.
local CLOSED_AGAIN = 'The lobby was closed once more, after a loss of data, when the value was known already.'
local function leaveBeaconOut(reason)
  redis.call('HDEL', K.draw, 'beacon')
  mixIn({ without = reason or CLOSED_AGAIN })
end

-- A draw that waits for a beacon which is given already, to itself or to the sale, goes on.
local function takeGivenBeacon()
  if redis.call('HGET', K.draw, 'state') ~= 'awaitingBeacon' then return end
  local known = redis.call('HMGET', K.draw, 'beacon', 'withoutBeacon')
  if not known[1] and not known[2] then
    local given = redis.call('HGET', K.sale, 'beaconGiven') or ''
    if given == '' then return end
    mixIn(cjson.decode(given))
  end
  redis.call('HSET', K.draw, 'state', 'drawing', 'workedAt', 0)
  changed()
end

-- A number of the lobby's in a fan's hands proves that the draw had come so far.
local function noteDrawn(number)
  local draw = redis.call('HMGET', K.draw, 'lobbyMissing', 'entries', 'drawnTo')
  if draw[1] and number <= tonumber(draw[2]) and number > tonumber(draw[3]) then redis.call('HSET', K.draw, 'drawnTo', number) end
end

-- Fans whose order is not decided or not written down yet.
local function lobbySize()
  local draw = redis.call('HMGET', K.draw, 'state', 'entries', 'placed', 'leftUnplaced')
  if isLobbyMissing() then
    return redis.call('ZCARD', K.frozen) + redis.call('ZCARD', K.lobby) - tonumber(draw[4] or 0)
  end
  if isUnderWay(draw[1]) then return tonumber(draw[2]) - tonumber(draw[3]) - tonumber(draw[4] or 0) end
  return redis.call('ZCARD', K.lobby)
end

-- Makes the bits of all numbers from first to last 1, or `bit`, in Redis' order: whole bytes at once.
local function setBits(key, first, last, bit)
  bit = bit or 1
  while first <= last and first % 8 ~= 0 do
    redis.call('SETBIT', key, first, bit)
    first = first + 1
  end
  local bytes = math.floor((last + 1 - first) / 8)
  if bytes > 0 then
    redis.call('SETRANGE', key, first / 8, string.rep(string.char(255 * bit), bytes))
    first = first + 8 * bytes
  end
  for number = first, last do redis.call('SETBIT', key, number, bit) end
end

-- In the order of arrival, which decides nothing: gateways read the lobby on from where they have read to.
local function enterLobby(id) redis.call('ZADD', K.lobby, redis.call('HINCRBY', K.queue, 'lobbyArrivals', 1), id) end

-- Numbers behind all others.
local function giveNext(ids)
  local first = tonumber(redis.call('HGET', K.queue, 'next') or 0) + 1
  local members = {}
  for i, id in ipairs(ids) do
    members[2 * i - 1] = first + i - 1
    members[2 * i] = id
  end
  redis.call('ZADD', K.waiting, unpack(members))
  redis.call('HSET', K.queue, 'next', first + #ids - 1)
  setBits(K.bits, first, first + #ids - 1)
  setBits(K.seen[1], first, first + #ids - 1)
  -- Gateways that know them to be in the lobby ask about them again (status.ts): a number that is not told is lost with
  -- the next loss.
  redis.call('RPUSH', K.lobbyGone, unpack(ids))
  count('lobbyLeft', #ids)
  changed()
end

-- After a loss more may show up for a lobby than it had: whoever has come last to it, beyond the first `kept`, gets a
-- number behind all others. A slice; returns how many.
local function queueBehind(key, kept)
  local ids = redis.call('ZRANGE', key, kept, kept + SLICE - 1)
  if #ids == 0 then return 0 end
  redis.call('ZREM', key, unpack(ids))
  giveNext(ids)
  return #ids
end

-- Before a loss numbers of a lobby were drawn, and nobody can tell for whom: those that are known stay, the others up to
-- `last` are given by chance (settle-lobby.lua), and it proves nothing.
local function giveUpProof(last, fillsFrom)
  redis.call('HSET', K.draw, 'state', 'unproven', 'placed', last, 'fillTo', last, 'lobbyMissing', fillsFrom)
  redis.call('HDEL', K.draw, 'leftUnplaced', 'filledTo', 'drawnTo', 'drawnFrom', 'workedAt')
  redis.call('HSET', K.queue, 'restoredTo', math.max(last, tonumber(redis.call('HGET', K.queue, 'restoredTo') or 0)))
  redis.call('UNLINK', K.drawn)
  changed()
end

-- Who leaves before the freeze is no part of the draw; who leaves later keeps an empty number.
local function leaveLobby(id)
  if redis.call('ZREM', K.lobby, id) == 1 then
    redis.call('RPUSH', K.lobbyLeft, id)
  else
    redis.call('HINCRBY', K.draw, 'leftUnplaced', 1)
  end
end

local function stopWaiting(id, number)
  redis.call('ZREM', K.waiting, id)
  redis.call('SETBIT', K.bits, number, 0)
  changed()
end

-- A place that was opened with an access code occupies one of the code's uses, from the join until it ends otherwise
-- than by shopping to the end, and then for good. `code-of` says by which code each of them came, `codes`, by the code's
-- digest, how many there are. `code-log` says it once more, in order, a line each: '+entry number code opened' for a use
-- that is taken (number 0 in a lobby; opened: how many places the code has opened with it, 0 where that says nothing new;
-- entry '-' for that alone) and '-entry' for one given back. Gateways read it on from where they have read to.
local function logCodes(lines)
  redis.call('APPEND', K.codeLog, lines)
  moved()
end

local function codeTaken(id, number, code, opened)
  return string.format('+%s %d %s %d\n', id, number, code, opened)
end

local function occupyCode(id, number, code)
  if redis.call('HSETNX', K.codeOf, id, code) == 0 then return end
  redis.call('HINCRBY', K.codes, code, 1)
  logCodes(codeTaken(id, number or 0, code, 0))
end

local function giveCodeBack(id)
  local code = redis.call('HGET', K.codeOf, id)
  if not code then return end
  redis.call('ZREM', K.codeMissed, id)
  redis.call('HDEL', K.codeOf, id)
  redis.call('HINCRBY', K.codes, code, -1)
  logCodes('-' .. id .. '\n')
end

-- After a loss: the use that a stand-in has kept is its owner's.
local function passCodeOn(standIn, id, number)
  local code = redis.call('HGET', K.codeOf, standIn)
  if not code then return end
  local missedAt = redis.call('ZSCORE', K.codeMissed, standIn)
  giveCodeBack(standIn)
  occupyCode(id, number, code)
  if missedAt then redis.call('ZADD', K.codeMissed, missedAt, id) end
end

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

-- The entry as it is at this moment: a deadline that has passed acts here, whether or not anybody tidied up.
local function currentEntry(id, saleState)
  local entry = readEntry(id)
  if not entry then return nil end
  if entry.state == 'missed' and entry.number and not entry.returning and currentEpoch() > 1 then
    -- After a loss more may be remembered of its number than of itself (gateway/recovery/restore.lua).
    local code = stateCodes(entry.number, entry.number)[entry.number]
    if code > STATE_CODES.admitted then
      entry.state = STATE_NAMES[code]
      redis.call('HSET', K.entries, id, cjson.encode(entry))
      if entry.state == 'finished' then redis.call('ZREM', K.codeMissed, id) else giveCodeBack(id) end
    end
  end
  if entry.state == 'ready' and entry.claimBy and entry.claimBy <= now then
    missTurn(id, entry)
    noteOutcomes(0, 1)
  elseif entry.state == 'admitted' and deadlineOf(entry) <= now then
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
  for _, id in ipairs(over) do
    local entry = readEntry(id)
    expireAdmission(id, entry)
  end
  return #over
end

-- Waits that were foretold, judged when their queue number, or the first one beyond it, has its turn. A forecast is
-- 'made at:low:high', in ms, scored by its queue number.
local function judgeForecasts(lastTurn, most)
  local due = redis.call('ZRANGEBYSCORE', K.forecasts, '-inf', lastTurn, 'LIMIT', 0, most)
  if #due == 0 then return end
  redis.call('ZREM', K.forecasts, unpack(due))
  local judged = { inside = 0, sooner = 0, later = 0 }
  for _, forecast in ipairs(due) do
    local at, low, high = string.match(forecast, '^(%d+):(%d+):(%d+)')
    local took = now - tonumber(at)
    local verdict = took < tonumber(low) and 'sooner' or took > tonumber(high) and 'later' or 'inside'
    judged[verdict] = judged[verdict] + 1
  end
  for verdict, times in pairs(judged) do if times > 0 then count('forecasts:' .. verdict, times) end end
end

-- Forecasts whose time is over have not come true, whether or not the turn ever comes.
local function judgeOverdueForecasts()
  local overdue = {}
  for _, forecast in ipairs(redis.call('ZRANGE', K.forecasts, 0, -1)) do
    local at, high = string.match(forecast, '^(%d+):%d+:(%d+)')
    if tonumber(at) + tonumber(high) < now then overdue[#overdue + 1] = forecast end
  end
  if #overdue == 0 then return end
  redis.call('ZREM', K.forecasts, unpack(overdue))
  count('forecasts:later', #overdue)
end

-- After a loss: of those at the front whom nobody has brought back, none takes the turn of somebody who is there. They
-- have missed it, and who shows up after all gets the next free one, once. Looks at `most` at the front. Returns how many
-- were passed over, and how many who are there stand at the front now, of `turns`: where that is fewer, who comes next is
-- not known yet, or nobody is left.
local function passOverStandIns(last, turns, most)
  if currentEpoch() == 1 then return 0, turns end
  local front = redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'WITHSCORES', 'LIMIT', 0, most)
  local ids, numbers, entries, bits, there = {}, {}, {}, {}, 0
  for i = 1, #front, 2 do
    if there == turns then break end
    local id, number = front[i], front[i + 1]
    if isStandIn(id) then
      ids[#ids + 1] = id
      numbers[#numbers + 1] = tonumber(number)
      entries[#entries + 1] = id
      entries[#entries + 1] = cjson.encode({ state = 'missed', number = tonumber(number), endedAt = now })
      for _, part in ipairs({ 'SET', 'u1', number, 0 }) do bits[#bits + 1] = part end
    else
      there = there + 1
    end
  end
  if #ids > 0 then
    -- A million may be absent: what ends here is written together.
    redis.call('ZREM', K.waiting, unpack(ids))
    redis.call('BITFIELD', K.bits, unpack(bits))
    redis.call('HSET', K.entries, unpack(entries))
    writeStates(numbers, 'missed')
    count('ended:missed', #ids)
    changed()
    if redis.call('EXISTS', K.codeOf) == 1 then
      local missed = {}
      for i, code in ipairs(redis.call('HMGET', K.codeOf, unpack(ids))) do
        if code then
          missed[#missed + 1] = now
          missed[#missed + 1] = ids[i]
        end
      end
      if #missed > 0 then redis.call('ZADD', K.codeMissed, unpack(missed)) end
    end
  end
  return #ids, there
end

-- After a loss: an entry leaves the set it is in, and the count of its end, to be put elsewhere.
local function takeOut(id, entry)
  if entry.state == 'waiting' then stopWaiting(id, entry.number) end
  if entry.state == 'lobby' then leaveLobby(id) end
  for _, key in ipairs({ K.ready, K.blocked, K.called, K.returning, K.codeMissed }) do redis.call('ZREM', key, id) end
  leaveShop(id)
  local code = STATE_CODES[entry.state] or 0
  if code == STATE_CODES.missed or code > STATE_CODES.admitted then count('ended:' .. entry.state, -1) end
  entry.returning = nil
  entry.endedAt = nil
  entry.claimBy = nil
end

-- After a loss: what stands in for a number whose owner nobody remembered gives way to its owner, an entry that counts by
-- itself. A number of which nothing is known is the owner's from now on.
local function absorb(number, owner)
  local id = standInOf(number)
  local entry = readEntry(id)
  local code = stateCodes(number, number)[number]
  passCodeOn(id, owner, number)
  if entry then
    takeOut(id, entry)
    redis.call('HDEL', K.entries, id)
    -- Its use was given back when its room was: the owner was in the shop all the same.
    if entry.code then occupyCode(owner, number, entry.code) end
  elseif code > STATE_CODES.admitted then
    count('ended:' .. STATE_NAMES[code], -1)
  else
    if code == 0 then noteTaken(number) end
    return
  end
  count('joined', -1)
end

-- What the gateway needs to show an entry: the same list from every script that answers with one.
local function describe(id, entry)
  return {
    'entry', id, entry.state, entry.number or 0, entry.claimBy or 0, entry.expiresAt or 0, entry.returning and 1 or 0,
    entry.jti or '', entry.kid or '', entry.iat or 0, entry.exp or 0,
    tonumber(redis.call('HGET', K.queue, 'changes') or 0),
  }
end
