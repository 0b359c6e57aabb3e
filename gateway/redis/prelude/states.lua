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

-- How far the queue has come, for an answer: what Redis has answered it must not lose unnoticed (gateway/redis/heard.ts).
local function momentNow()
  local known = redis.call('HMGET', K.queue, 'epoch', 'birth', 'changes', 'moves', 'runId', 'runBeganAt', 'next', 'eras')
  return {
    tonumber(known[1] or 1), known[2] or '', tonumber(known[3] or 0), tonumber(known[4] or 0), known[5] or '',
    tonumber(known[6] or 0), tonumber(known[7] or 0), known[8] or '',
  }
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
