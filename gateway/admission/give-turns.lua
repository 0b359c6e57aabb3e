-- Ends what is over, then gives the next turns. Any gateway may call it at any moment.
--
-- ARGV[2]  holds and orders that the calling gateway has passed on since its last call,
-- ARGV[3]  how many of them failed, and
-- ARGV[4]  how many were slow
-- ARGV[5]  seats of the sale that are open, empty when the caller does not know,
-- ARGV[6]  held, and
-- ARGV[7]  sold
-- ARGV[8]  how long ago they were counted, ms
-- ARGV[9]  when the next hold ends, epoch ms; 0 when nothing is held
--
-- {'no-sale'} | {given, more 0/1}: more when a slice was full and another call would find work at once

-- The rate adapts in steps, at most one in this time, by what was seen of at least so many requests.
local STEP_MS = 2000
local REQUESTS_MIN = 5
local FAILED_SHARE_MAX = 0.1
local SLOW_SHARE_MAX = 0.25
local FAILED_FACTOR = 0.7
local SLOW_FACTOR = 0.85
local RISE_SHARE = 0.05
-- What was seen counts for so much less after each step; too little to judge by is gathered for about half a minute.
local SEEN_KEPT = 0.5
local FEW_SEEN_KEPT = 0.95
local REMAINDER_MAX = 0.5
-- The rate grows from this share to its full height, but is never so low that nobody got a turn within ten seconds.
local RAMP_SHARE_MIN = 0.1
local RAMP_PER_MINUTE_MIN = 10
-- No more turns are out beyond the free room than this share of the capacity.
local NO_SHOW_SHARE_MAX = 0.5
local OVERBOOKED_SHARE_MAX = 0.1
local FORECASTS_PER_CALL_MAX = 100
-- A turn takes Redis three times as long as any other change of an entry.
local TURNS_PER_CALL_MAX = 350
-- However much ends, this part of the budget is left for turns: room that is free goes to the next at once.
local TURNS_BUDGET_MIN = 50
-- After a loss so many are looked at for those who are not there.
local ABSENT_PER_CALL_MAX = 200

local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)
mayDrain()

-- Whatever ends, or is changed one by one, comes out of one budget, and what is left of it bounds the new turns.
local budget = ENDS_PER_CALL_MAX
local missed = redis.call('ZRANGEBYSCORE', K.ready, '-inf', now, 'LIMIT', 0, budget)
if #missed > 0 and mustWait() then missed = {} end
for _, id in ipairs(missed) do missTurn(id, readEntry(id)) end
if #missed > 0 then noteOutcomes(0, #missed) end
budget = budget - #missed
if budget > 0 then budget = budget - expireAdmissions(budget) end
local holdsOver = redis.call('ZRANGEBYSCORE', K.holding, '-inf', now, 'LIMIT', 0, SLICE)
if #holdsOver > 0 then
  redis.call('ZREM', K.holding, unpack(holdsOver))
  redis.call('ZREM', K.holdingSince, unpack(holdsOver))
end

-- The end of a sale acts at once wherever an entry is looked at; here the rest is tidied up, call by call. From the back:
-- should an organiser open a sold-out sale again meanwhile, whoever is left stands before those who were told to go.
if hasEnded(state) then
  judgeOverdueForecasts()
  redis.call('DEL', K.called, K.forecasts, K.measures)
  local closing = budget > 0 and redis.call('ZPOPMAX', K.waiting, budget) or {}
  for i = 1, #closing, 2 do
    local number = tonumber(closing[i + 1])
    redis.call('SETBIT', K.bits, number, 0)
    finishEntry(closing[i], { number = number }, 'closed')
  end
  if #closing > 0 then changed() end
  budget = budget - #closing / 2
  for _, key in ipairs({ K.returning, K.blocked, K.ready }) do
    local rest = budget > 0 and redis.call('ZPOPMAX', key, budget) or {}
    for i = 1, #rest, 2 do
      local entry = readEntry(rest[i])
      if entry.returning then
        entry.returning = nil
        count('ended:missed', -1)
      end
      finishEntry(rest[i], entry, 'closed')
    end
    budget = budget - #rest / 2
  end
  local gone = budget > 0 and redis.call('ZPOPMIN', K.lobby, budget) or {}
  for i = 1, #gone, 2 do finishEntry(gone[i], {}, 'closed') end
  return { 0, budget - #gone / 2 <= 0 and 1 or 0 }
end

local names = {
  'joined', 'joinsNoted', 'turnTokens', 'turnTokensAt', 'rate', 'rateWhy', 'rateAt', 'asked', 'failed', 'slow', 'rampFrom',
  'outcomes', 'noShows', 'overbooked', 'seatsOpen', 'seatsTaken', 'seatsAt', 'lastTurn',
}
local known = {}
for i, value in ipairs(redis.call('HMGET', K.queue, unpack(names))) do known[names[i]] = value or nil end
local function figure(name) return tonumber(known[name] or 0) or 0 end
local facts = {}
local function keep(name, value)
  facts[#facts + 1] = name
  facts[#facts + 1] = value
end

-- Joins are put down by the second here, a few times a second, and not by each join: that would cost it a sixth more.
if figure('joined') > figure('joinsNoted') then
  countInSecond(K.joins, figure('joined') - figure('joinsNoted'))
  keep('joinsNoted', figure('joined'))
end

-- The newest count of the seats, whichever gateway brought it. One from the future is from before Redis' clock went back.
local seats = { open = figure('seatsOpen'), taken = figure('seatsTaken'), at = figure('seatsAt') }
if seats.at > now then seats.at = 0 end
if ARGV[5] and ARGV[5] ~= '' and now - tonumber(ARGV[8]) > seats.at then
  local held = tonumber(ARGV[6])
  seats = { open = tonumber(ARGV[5]), taken = held + tonumber(ARGV[7]), at = now - tonumber(ARGV[8]) }
  keep('seatsOpen', seats.open)
  keep('seatsHeld', held)
  keep('seatsTaken', seats.taken)
  keep('seatsAt', seats.at)
  keep('allHeldUntil', seats.open == 0 and held > 0 and tonumber(ARGV[9]) or 0)
end

-- What gateways see of the shop lowers the rate by a factor and lets it rise by a step. Without requests nothing speaks
-- against rising; a few that went badly are too few to lower it, and keep it from rising.
local function adapt()
  if not sale.adaptive then
    -- Switched on again it begins with what is asked for.
    keep('rateWhy', 'asked')
    return sale.admitPerMinute, 'off'
  end
  local slowest = math.min(sale.admitPerMinute, sale.minPerMinute)
  local rate = math.max(slowest, math.min(sale.admitPerMinute, tonumber(known.rate) or sale.admitPerMinute))
  local why = known.rateWhy or 'asked'
  -- Nothing had lowered it: a higher one that the organiser asks for is in effect at once.
  if why == 'asked' then rate = sale.admitPerMinute end
  local asked = figure('asked') + tonumber(ARGV[2] or 0)
  local failed = figure('failed') + tonumber(ARGV[3] or 0)
  local slow = figure('slow') + tonumber(ARGV[4] or 0)
  if now - figure('rateAt') >= STEP_MS or figure('rateAt') > now then
    -- What is left of one of them after a while says nothing any more.
    local isFailing = failed > math.max(REMAINDER_MAX, asked * FAILED_SHARE_MAX)
    local isSlow = slow > math.max(REMAINDER_MAX, asked * SLOW_SHARE_MAX)
    if asked >= REQUESTS_MIN and (isFailing or isSlow) then
      why = isFailing and 'errors' or 'slow'
      -- The next step is judged by what comes after this one.
      rate, asked, failed, slow = math.max(slowest, rate * (isFailing and FAILED_FACTOR or SLOW_FACTOR)), 0, 0, 0
    else
      local kept = asked >= REQUESTS_MIN and SEEN_KEPT or FEW_SEEN_KEPT
      if not isFailing and not isSlow then rate = rate + sale.admitPerMinute * RISE_SHARE end
      asked, failed, slow = asked * kept, failed * kept, slow * kept
    end
    keep('rateAt', now)
  end
  if rate >= sale.admitPerMinute then rate, why = sale.admitPerMinute, 'asked' end
  keep('rate', rate)
  keep('rateWhy', why)
  keep('asked', asked)
  keep('failed', failed)
  keep('slow', slow)
  return rate, why
end
local rate, why = adapt()

local sinceRamp = now - figure('rampFrom')
-- A ramp begins later than now at the end of a recovery; any other is from before Redis' clock went back.
if sinceRamp < 0 and not mustWait() then
  sinceRamp = 0
  keep('rampFrom', now)
end
if sinceRamp < RAMP_MS then
  local grown = sale.admitPerMinute * (RAMP_SHARE_MIN + (1 - RAMP_SHARE_MIN) * math.max(0, sinceRamp) / RAMP_MS)
  grown = math.max(grown, math.min(RAMP_PER_MINUTE_MIN, sale.admitPerMinute))
  if grown < rate then rate, why = grown, 'ramp' end
end
keep('effectivePerMinute', math.floor(rate))
keep('rateReason', why)

if state ~= 'open' or mustWait() then
  redis.call('HSET', K.queue, unpack(facts))
  return { 0, budget <= 0 and 1 or 0 }
end

-- The token bucket of the admission rate: it holds at most one second's turns and one more, so that a pause of the givers
-- is not followed by a rush, and nothing of a rate is cut off that givers a second apart look at.
local most = 1 + rate / 60
local elapsed = math.max(0, now - (tonumber(known.turnTokensAt) or now))
local tokens = math.min(most, (tonumber(known.turnTokens) or math.max(1, rate / 60)) + elapsed * rate / 60000)

local admitted = redis.call('ZCARD', K.admitted)
local ready = redis.call('ZCARD', K.ready)
local blocked = redis.call('ZCARD', K.blocked)

-- Turns that found the shop full come first; they have had their token, so only room counts that no other one of them was
-- called for. Turns that are out and may not be claimed at all do not keep them waiting.
if blocked > 0 then
  redis.call('ZREMRANGEBYSCORE', K.called, '-inf', now)
  local free = sale.capacity - admitted - redis.call('ZCARD', K.called)
  local kept = free > 0 and redis.call('ZPOPMIN', K.blocked, math.min(free, math.max(1, budget))) or {}
  for i = 1, #kept, 2 do
    local entry = readEntry(kept[i])
    entry.claimBy = now + sale.claimMs
    redis.call('ZADD', K.ready, entry.claimBy, kept[i])
    redis.call('ZADD', K.called, entry.claimBy, kept[i])
    writeEntry(kept[i], entry)
    ready = ready + 1
    blocked = blocked - 1
  end
  budget = budget - #kept / 2
end

-- Of the turns that fill the free room so many are likely to be missed, less one standard deviation.
local overbooking = 0
if figure('outcomes') >= OUTCOMES_MIN then
  local share = math.min(NO_SHOW_SHARE_MAX, figure('noShows') / figure('outcomes'))
  local expected = math.max(0, sale.capacity - admitted) * share
  overbooking = math.floor(math.max(0, math.min(expected - math.sqrt(expected * (1 - share)), sale.capacity * OVERBOOKED_SHARE_MAX)))
end
local room = sale.capacity + overbooking - admitted - ready - blocked
if blocked > 0 then room = 0 end

-- Nobody is let in to find nothing: an open seat for each turn, for each fan in the shop who has none yet, and for each
-- whose hold the count does not know of. The last count binds for as long as there is no newer one: nobody is let in to a
-- shop that is known to be empty, or that cannot be reached. Until a seat is taken nothing runs out, and the capacity that
-- the organiser asked for decides alone.
local takeable = math.huge
if seats.at > 0 and (seats.taken > 0 or seats.open == 0) then
  local looking = admitted - redis.call('ZCOUNT', K.holdingSince, '-inf', seats.at)
  takeable = seats.open - ready - blocked - looking
end

local allowed = math.max(0, math.min(room, takeable, math.floor(tokens)))
local forTurns = math.max(TURNS_BUDGET_MIN, budget)
local turns = math.min(allowed, math.floor(TURNS_PER_CALL_MAX * forTurns / ENDS_PER_CALL_MAX))
local given, passed = 0, 0
if turns > 0 then
  local back = redis.call('ZPOPMIN', K.returning, math.min(turns, forTurns))
  for i = 1, #back, 2 do
    local entry = readEntry(back[i])
    entry.returning = nil
    count('ended:missed', -1)
    entry.state = 'ready'
    entry.claimBy = now + sale.claimMs
    entry.endedAt = nil
    writeEntry(back[i], entry)
    redis.call('ZADD', K.ready, entry.claimBy, back[i])
    given = given + 1
  end
  budget = budget - given
end
if turns > given and redis.call('ZCARD', K.returning) == 0 then
  -- Until the draw is written down only what stands before its end may be served: the rest of the lobby comes before
  -- everybody who arrived later.
  local draw = redis.call('HMGET', K.draw, 'state', 'placed')
  -- A lobby that has not been frozen again after a loss comes before them too.
  local last = draw[1] == 'committed' and '0' or isUnderWay(draw[1]) and draw[2] or '+inf'
  local there
  -- Who is there stands before everybody who was not looked at yet.
  passed, there = passOverStandIns(last, turns - given, ABSENT_PER_CALL_MAX)
  local front = there == 0 and {}
    or redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'WITHSCORES', 'LIMIT', 0, there)
  local claimBy = string.format('%.0f', now + sale.claimMs)
  local numbers, deadlines = {}, {}
  for i = 1, #front, 2 do
    numbers[#numbers + 1] = tonumber(front[i + 1])
    deadlines[i], deadlines[i + 1] = claimBy, front[i]
  end
  if #numbers > 0 then
    local number = numbers[#numbers]
    redis.call('ZREMRANGEBYRANK', K.waiting, 0, #numbers - 1)
    -- Between the first and the last of them nobody else waits.
    setBits(K.bits, numbers[1], number, 0)
    redis.call('ZADD', K.ready, unpack(deadlines))
    redis.call('HSET', K.entries, unpack(front))
    writeStates(numbers, 'ready')
    changed()
    given = given + #numbers
    if number > figure('lastTurn') then
      keep('lastTurn', number)
      judgeForecasts(number, FORECASTS_PER_CALL_MAX)
    end
  end
end

local heldBack = 'rate'
if redis.call('ZCARD', K.waiting) + redis.call('ZCARD', K.returning) == 0 then
  heldBack = 'nobody'
elseif takeable - given <= 0 then
  heldBack = 'seats'
elseif room - given <= 0 then
  heldBack = 'capacity'
end
keep('heldBackBy', heldBack)
-- What was allowed before and is still out is stated for as long as it is out.
local beyond = admitted + ready + blocked + given - sale.capacity
keep('overbooked', math.max(overbooking, math.min(figure('overbooked'), beyond)))
keep('turnTokens', tokens - given)
keep('turnTokensAt', now)
redis.call('HSET', K.queue, unpack(facts))
if given > 0 then
  count('turns', given)
  countInSecond(K.turns, given)
end
local more = budget <= 0 or passed > 0 or (given == turns and allowed > given)
return { given, more and 1 or 0 }
