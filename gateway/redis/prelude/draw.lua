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

-- What became of the beacon, once that is durable; nil before. Other changes of a sale act before they are: what decides an
-- order must not be lost when numbers of it are in fans' hands already.
local function durableBeacon()
  local known = redis.call('HMGET', K.sale, 'beaconGiven', 'beaconVersion', 'beaconFrom')
  if (known[1] or '') == '' then return nil end
  local unsaved = redis.call('LINDEX', K.unsaved, 0)
  if unsaved and cjson.decode(unsaved).version <= tonumber(known[2] or 0) then return nil end
  return cjson.decode(known[1]), tonumber(known[3])
end

-- A draw that waits for a beacon which is given already, to itself or to the sale, goes on.
local function takeGivenBeacon()
  local draw = redis.call('HMGET', K.draw, 'state', 'beacon', 'withoutBeacon', 'digestAt')
  if draw[1] ~= 'awaitingBeacon' then return end
  if not draw[2] and not draw[3] then
    local given, from = durableBeacon()
    if not given then return end
    if given.value and tonumber(draw[4]) >= from then leaveBeaconOut() else mixIn(given) end
  end
  redis.call('HSET', K.draw, 'state', 'drawing', 'workedAt', 0)
  changed()
end

-- A number of the lobby's in a fan's hands proves that the draw had come so far.
local function noteDrawn(number)
  local draw = redis.call('HMGET', K.draw, 'lobbyMissing', 'entries', 'drawnTo')
  -- One that cannot be proven any more has come as far as it will.
  if not draw[1] or not draw[3] then return end
  if number <= tonumber(draw[2]) and number > tonumber(draw[3]) then redis.call('HSET', K.draw, 'drawnTo', number) end
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
