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
  silent = KEYS[35], holdsUnknown = KEYS[36],
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
