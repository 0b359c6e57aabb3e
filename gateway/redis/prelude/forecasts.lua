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
