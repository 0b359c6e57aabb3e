-- Measures how fast the queue moves, and notes what fans are foretold at this moment, so that it can be judged when their
-- turns come (give-turns). Any gateway may call it at any moment; it acts once in MEASURE_MS.
--
-- ARGV[2…] position, least and most wait in ms: what waiting fans at some positions are told
--
-- 1 when it was time, else 0
local MEASURE_MS = 10000
-- Two minutes in all, of which the last half minute is told apart.
local MEASURES_KEPT = 13
local RECENT_MEASURES = 4
-- At most so many forecasts are open, no two of them closer than this part of the queue.
local FORECASTS_MAX = 150
local FORECASTS_APART = 50

local sale = loadSale()
if not sale or stateOf(sale) ~= 'open' then return 0 end
local known = redis.call('HMGET', K.queue, 'measuredAt', 'rampFrom', 'turns', 'ended:left', 'ended:lapsed')
local measuredAt = tonumber(known[1] or 0)
-- What was measured later than now is from before Redis' clock went back.
if measuredAt > now then measuredAt = 0 end
if now - measuredAt < MEASURE_MS then return 0 end
mayDrain()
judgeOverdueForecasts()

-- What was measured before a stand-still, or while the rate still grew, says nothing about what comes.
local isGrowing = now - tonumber(known[2] or 0) < RAMP_MS
if isGrowing or now - measuredAt > PACE_AGE_MS_MAX then redis.call('DEL', K.measures) end
local pace = ''
if not isGrowing then
  local turns, gone = tonumber(known[3] or 0), tonumber(known[4] or 0) + tonumber(known[5] or 0)
  local inside = redis.call('ZCARD', K.ready) + redis.call('ZCARD', K.blocked) + redis.call('ZCARD', K.admitted)
  redis.call('LPUSH', K.measures, string.format('%.0f:%d:%d:%d', now, turns, turns - inside, gone))
  redis.call('LTRIM', K.measures, 0, MEASURES_KEPT - 1)
  local measures = redis.call('LRANGE', K.measures, 0, -1)
  local function since(measure)
    local at, turnsThen, outThen, goneThen = string.match(measure, '^(%d+):(%d+):(%-?%d+):(%d+)$')
    return now - tonumber(at), turns - tonumber(turnsThen), turns - inside - tonumber(outThen), gone - tonumber(goneThen)
  end
  local ms, given, out, left = since(measures[#measures])
  local recentMs, recentTurns = since(measures[math.min(#measures, RECENT_MEASURES)])
  pace = string.format('%d:%d:%d:%d:%d:%d', ms, given, out, left, recentMs, recentTurns)
end
redis.call('HSET', K.queue, 'measuredAt', now, 'pace', pace)

local gap = math.floor(redis.call('ZCARD', K.waiting) / FORECASTS_APART)
for i = 2, #ARGV, 3 do
  local rank = tonumber(ARGV[i]) - 1
  local number = tonumber(redis.call('ZRANGE', K.waiting, rank, rank, 'WITHSCORES')[2])
  if number and redis.call('ZCARD', K.forecasts) < FORECASTS_MAX
    and redis.call('ZCOUNT', K.forecasts, number - gap, number + gap) == 0 then
    redis.call('ZADD', K.forecasts, number, string.format('%.0f:%d:%d:%d', now, ARGV[i + 1], ARGV[i + 2], number))
  end
end
return 1
