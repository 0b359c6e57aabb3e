-- A Redis that has just started, or has taken over from another, may not have the last moments of the one before, and
-- only the gateways can tell. No number and no turn is given before each of them has had time to compare (SETTLE_MS), nor
-- while a queue is being restored. What the queue was like at the start is noted before anything moves in it: who remembers
-- more than that knows of a loss, whatever has happened since (gateway/recovery/memory.ts).
local SETTLE_MS = 2000
-- A frozen lobby whose draw is known again, and who was in it not yet (gateway/recovery/restore-draw.lua).
local function isLobbyMissing() return redis.call('HEXISTS', K.draw, 'lobbyMissing') == 1 end
local function runId() return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
-- A clock that goes back (a failover, a machine that starts before its clock is set) keeps nobody waiting until it has caught
-- up: what began later than now begins now.
local function startRecoveryNow(lostAt, recoveredAt)
  recoveredAt = recoveredAt - (lostAt - now)
  redis.call('HSET', K.queue, 'lostAt', now, 'recoveredAt', recoveredAt, 'rampFrom', recoveredAt)
  if isLobbyMissing() then redis.call('HSET', K.draw, 'lobbyMissing', recoveredAt) end
  return recoveredAt
end
-- Until when no number and no turn is given. Asked once a call: telling one run from another takes Redis as long as ten turns.
local metUntil = nil
local function meetRun()
  if metUntil then return metUntil end
  local known = redis.call('HMGET', K.queue, 'runId', 'moves', 'settledAt', 'recoveredAt', 'lostAt')
  local settledAt, recoveredAt = tonumber(known[3] or 0), tonumber(known[4] or 0)
  local current = runId()
  if known[1] ~= current then
    settledAt = now + SETTLE_MS
    redis.call('HSET', K.queue, 'runId', current, 'runBeganAt', known[2] or 0, 'settledAt', settledAt)
  elseif settledAt > now + SETTLE_MS then
    settledAt = now + SETTLE_MS
    redis.call('HSET', K.queue, 'settledAt', settledAt)
  end
  local lostAt = tonumber(known[5] or 0)
  if lostAt > now then recoveredAt = startRecoveryNow(lostAt, recoveredAt) end
  metUntil = math.max(settledAt, recoveredAt)
  return metUntil
end
local function mustWait() return now < meetRun() or isLobbyMissing() end

-- The queue's epoch rises whenever Redis has lost data; entries of an earlier one are told from what gateways remember.
local function currentEpoch() return tonumber(redis.call('HGET', K.queue, 'epoch') or 1) end
local function isRecovering()
  return now < tonumber(redis.call('HGET', K.queue, 'recoveredAt') or 0) or isLobbyMissing()
end

-- What is known of admissions that were longer before the organiser made them shorter, 'ms:until': how long they were given for,
-- and by when those that were inside then are over; 0 for nothing.
local function longerAdmissions(text)
  local ms, ends = string.match(text or '', '(%d+):(%d+)')
  return tonumber(ms or 0), tonumber(ends or 0)
end

-- Until when whoever was in the shop before the last loss may be there without having been heard of. Of the last moments before
-- it nobody remembers whose admission ended and who was let in instead: so each room has the whole time of an admission, and each
-- loss begins it anew. (By a clock that has gone back longer ones would last for ever.)
local function silentUntil()
  local known = redis.call('HMGET', K.sale, 'admissionMs', 'longerAdmissions')
  local lostAt = tonumber(redis.call('HGET', K.queue, 'lostAt') or 0)
  local ms, ends = longerAdmissions(known[2])
  return math.max(lostAt + tonumber(known[1] or 0), math.min(lostAt + ms, ends))
end

-- Gateways bring back what they remember within this time after a loss was noticed (gateway/recovery/keep-memory.ts waits for a
-- second, and looks every fifth of one).
local BROUGHT_BACK_MS = 2000
-- Whether they may know more of an admission that is over by what Redis has left: they have not had the time to compare, or to
-- bring it back. (A turn that has passed by what is left of it waits for the whole recovery, in which nobody gets another: what was
-- claimed may be brought back late.)
local function isToBeCompared()
  meetRun()
  local known = redis.call('HMGET', K.queue, 'settledAt', 'lostAt')
  return now < tonumber(known[1] or 0) or now < tonumber(known[2] or 0) + BROUGHT_BACK_MS
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
-- Gateways let a second pass before they bring anything back (gateway/recovery/keep-memory.ts), one that is started again
-- meanwhile too.
local RECOVERY_MS_MIN = 8000
-- Redis has lost data of this queue. `longestPollMs`: the longest time after which a fan is told to ask again.
local function beginRecovery(sale, seenEpoch, seenVersion, longestPollMs)
  local version = math.max(tonumber(redis.call('HGET', K.queue, 'changes') or 0), seenVersion, now) + VERSION_LEAP
  local polls = math.ceil(POLLS_PER_RECOVERY * math.min(longestPollMs, sale.graceMs / POLLS_PER_GRACE))
  local recoveredAt = now + math.max(RECOVERY_MS_MIN, polls)
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

-- Those that a gateway remembers.
local function noteEras(eras)
  for era, above, since in string.gmatch(eras, '(%d+):(%d+):?(%d*)') do
    noteEra(tonumber(era), tonumber(above), tonumber(since))
  end
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
