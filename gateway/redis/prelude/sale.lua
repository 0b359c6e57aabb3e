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

-- Of what was known of longer admissions and what is said of them now the later counts (prelude/epochs.lua's silentUntil).
local function noteLongerAdmissions(ms, ends)
  local knownMs, knownEnds = longerAdmissions(redis.call('HGET', K.sale, 'longerAdmissions'))
  local later = string.format('%.0f:%.0f', math.max(ms, knownMs), math.max(ends, knownEnds))
  redis.call('HSET', K.sale, 'longerAdmissions', later)
end

-- Admissions are shorter from now on: who is inside has the time they were given.
local function shortenAdmissions(beforeMs, afterMs)
  if afterMs >= beforeMs then return end
  local last = redis.call('ZREVRANGE', K.admitted, 0, 0, 'WITHSCORES')
  if last[2] then noteLongerAdmissions(beforeMs, math.min(tonumber(last[2]), now + beforeMs)) end
end

-- Settings that were changed, and what follows from that. From ARGV[first] on: field, value, …
local function putIntoEffect(first)
  local before = loadSale()
  for i = first, #ARGV, 2 do redis.call('HSET', K.sale, ARGV[i], ARGV[i + 1]) end
  local after = loadSale()
  shortenAdmissions(before.admissionMs, after.admissionMs)
  -- After a pause the rate grows to its full height: a shop that has stood still is not run over.
  if stateOf(before) == 'paused' and not after.paused then redis.call('HSET', K.queue, 'rampFrom', now) end
  -- What was measured under other settings says nothing about what comes.
  local isOtherPace = after.capacity ~= before.capacity or after.admitPerMinute ~= before.admitPerMinute
    or after.minPerMinute ~= before.minPerMinute or after.adaptive ~= before.adaptive
  if isOtherPace then
    redis.call('DEL', K.measures)
    redis.call('HSET', K.queue, 'pace', '')
  end
  -- Generations of presence are parts of graceSeconds: whoever was seen within the old time has the whole new one.
  if after.graceMs ~= before.graceMs then redis.call('BITOP', 'OR', K.seen[1], unpack(K.seen)) end
end

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
    -- Later ones are from before Redis' clock went back.
    if tonumber(at) > second - 60 and tonumber(at) <= second then sum = sum + tonumber(times) end
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
