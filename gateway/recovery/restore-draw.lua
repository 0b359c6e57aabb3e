-- Brings back what a gateway remembers of a draw: its secret seed and its published commitment above all. What Redis has
-- kept stays where it is as far along; what it has of an earlier moment, or only a new commitment, made when the sale was
-- put into an empty Redis, gives way.
--
-- A lobby that had been frozen is frozen again, and its draw is written again: from the same seed, ids and beacon comes the
-- same order. Who was in it is brought by a gateway that remembers it (restore-lobby.lua). Until then, and at most until
-- `lobbyMissing` (settle-lobby.lua), the recovery goes on, and nobody has one of its numbers.
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3]  the epoch of what is remembered,
-- ARGV[4]  and its eras
-- ARGV[5…] field, value, …: the draw as it was
--
-- {'over'}: there is no such recovery (any more) | {'later'}: it is too early for what was remembered before the last one
-- | {state, how many numbers are written down, lobbyMissing 0/1, up to which number what is remembered is of another draw}
if not isRecovering() or currentEpoch() ~= tonumber(ARGV[2]) then return { 'over' } end
local memoryEpoch = tonumber(ARGV[3])
if mustSpeakLater(memoryEpoch) then return { 'later' } end
noteEras(ARGV[4])
local remembered = {}
for i = 5, #ARGV, 2 do remembered[ARGV[i]] = ARGV[i + 1] end
local drawnTo = math.max(tonumber(remembered.placed or 0), tonumber(remembered.drawnTo or 0))
local known = redis.call('HMGET', K.draw, 'state', 'seed', 'drawnTo')
local function isFrozen(state) return isUnderWay(state) or isOver(state) end

local function nameOf(frozenAt, filledAt) return (frozenAt or '') .. '|' .. (filledAt or '') end
local function isSameDraw()
  local current = redis.call('HMGET', K.draw, 'frozenAt', 'filledAt')
  return nameOf(current[1], current[2]) == nameOf(remembered.frozenAt, remembered.filledAt)
end
-- Of a commitment that is remembered of different epochs the later one stays.
local broughtEpoch, broughtOf = string.match(redis.call('HGET', K.queue, 'drawOf') or '', '(%d+):(%d+)')
local isEarlier = broughtEpoch == ARGV[2] and tonumber(broughtOf) > memoryEpoch
-- A draw with numbers that have been given again since is over.
local size = tonumber(remembered.fillTo or remembered.entries or 0)
local isGivenAgain = size > lastNumberOf(memoryEpoch)

if isGivenAgain then
  -- Whoever has them now was told so.
elseif known[1] and isFrozen(known[1]) then
  if isLobbyMissing() and known[1] ~= 'unproven' and isSameDraw() then redis.call('HSET', K.draw, 'drawnTo', math.max(drawnTo, tonumber(known[3]))) end
elseif not isFrozen(remembered.state) then
  if known[2] ~= remembered.seed and not isEarlier then
    redis.call('DEL', K.draw)
    for field, value in pairs(remembered) do redis.call('HSET', K.draw, field, value) end
    changed()
  end
else
  local entries, first = size, tonumber(remembered.drawnFrom or 0)
  redis.call('DEL', K.draw)
  if remembered.state == 'unproven' then remembered.filledTo = nil else remembered.placed = first end
  if remembered.state == 'drawn' and entries > first then remembered.state = 'drawing' end
  remembered.leftUnplaced, remembered.workedAt = nil, nil
  -- Of an empty one too: whoever stands in the lobby now had left it.
  remembered.lobbyMissing = redis.call('HGET', K.queue, 'recoveredAt')
  -- Tickets may have been here before.
  local highest = redis.call('ZREVRANGEBYSCORE', K.waiting, entries, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  remembered.drawnTo = remembered.state ~= 'unproven' and math.max(drawnTo, tonumber(highest or 0)) or nil
  for field, value in pairs(remembered) do redis.call('HSET', K.draw, field, value) end
  redis.call('HSET', K.queue, 'next', math.max(entries, tonumber(redis.call('HGET', K.queue, 'next') or 0)))
  changed()
end

-- Of two who remember the same freeze, one may do so from before its digest was published or its beacon given: what was
-- public stays.
local same = redis.call('HMGET', K.draw, 'seed', 'frozenAt', 'state', 'digest', 'digestAt', 'beacon', 'withoutBeacon')
if same[1] == remembered.seed and same[2] and same[2] == remembered.frozenAt then
  if remembered.digest and not same[4] and same[3] == 'frozen' then
    local goesOn = (remembered.beaconSource or '') == '' and 'drawing' or 'awaitingBeacon'
    redis.call('HSET', K.draw, 'digest', remembered.digest, 'digestAt', remembered.digestAt, 'state', goesOn, 'workedAt', 0)
    changed()
  elseif remembered.digest and same[4] == remembered.digest and tonumber(remembered.digestAt) < tonumber(same[5]) then
    redis.call('HSET', K.draw, 'digestAt', remembered.digestAt)
  end
  if remembered.beaconAt and not same[6] and not same[7] then
    for _, field in ipairs({ 'beacon', 'withoutBeacon', 'beaconAt' }) do
      if remembered[field] then redis.call('HSET', K.draw, field, remembered[field]) end
    end
  end
end
takeGivenBeacon()
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'seed', 'fillTo', 'entries')
if draw[3] == remembered.seed and not isEarlier then redis.call('HSET', K.queue, 'drawOf', ARGV[2] .. ':' .. memoryEpoch) end
local isOther = remembered.frozenAt and isFrozen(draw[1]) and not isSameDraw()
local otherTo = isOther and tonumber(draw[4] or draw[5]) or isGivenAgain and size or 0
return { draw[1] or 'none', tonumber(draw[2] or 0), isLobbyMissing() and 1 or 0, otherTo }
