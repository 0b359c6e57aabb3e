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
