-- At the end of a recovery in which no gateway has known who was in the frozen lobby: it consists of those who have shown
-- up. Where nobody has one of its numbers it is closed once more, and drawn. Else it cannot be proven any more: each has the
-- number of the ticket, and the others get those that are left, by chance: first the lobby's, then behind everybody.
--
-- ARGV[2]  the epoch of the recovery
--
-- 1 when there is more to do, else 0
--
-- For gateways to bring back what they remember of the numbers.
local NUMBERS_MS = 5000
local CHANCE_DIGITS = 13
local draw = redis.call('HMGET', K.draw, 'lobbyMissing', 'entries', 'drawnTo', 'state', 'fillTo', 'seed')
if not draw[1] or currentEpoch() ~= tonumber(ARGV[2]) then return 0 end
if now < tonumber(draw[1]) then return 0 end

local function goOnAfter(ms)
  redis.call('HSET', K.queue, 'recoveredAt', now + ms, 'rampFrom', now + ms)
  changed()
  return 0
end

local function closeAgain(entries)
  local ids = redis.call('ZRANGE', K.lobby, 0, SLICE - 1)
  if #ids > 0 then
    local arrivals = math.max(entries, tonumber(redis.call('HGET', K.queue, 'lobbyArrivals') or 0))
    local members = {}
    for i, id in ipairs(ids) do
      members[2 * i - 1] = arrivals + i
      members[2 * i] = id
    end
    redis.call('HSET', K.queue, 'lobbyArrivals', arrivals + #ids)
    redis.call('ZREM', K.lobby, unpack(ids))
    redis.call('ZADD', K.frozen, unpack(members))
    return 1
  end
  if queueBehind(K.frozen, entries) > 0 then return 1 end

  local last = redis.call('ZCARD', K.frozen)
  -- It is read as it stands here: who has left it is not in it.
  redis.call('DEL', K.lobbyLeft)
  redis.call('HDEL', K.draw, 'lobbyMissing', 'drawnTo', 'digest', 'digestAt', 'workedAt')
  if redis.call('HEXISTS', K.draw, 'beacon') == 1 then leaveBeaconOut() end
  redis.call('HSET', K.draw, 'state', last == 0 and 'drawn' or 'frozen', 'entries', last, 'placed', 0, 'drawnFrom', 0,
    'frozenAt', now, 'closedAgain', 1)
  if last == 0 then drawNobody() end
  setBits(K.bits, 1, last)
  setBits(K.seen[1], 1, last)
  return goOnAfter(NUMBERS_MS)
end

-- Fans who have brought their number (queue/adopt.lua).
local function takeClaims()
  local claims = redis.call('ZRANGEBYSCORE', K.lobby, '-inf', '(0', 'WITHSCORES', 'LIMIT', 0, SLICE)
  for i = 1, #claims, 2 do
    local id, number = claims[i], -tonumber(claims[i + 1])
    local owner = redis.call('ZRANGEBYSCORE', K.waiting, number, number)[1]
    redis.call('ZREM', K.lobby, id)
    if owner and isStandIn(owner) then
      redis.call('ZREM', K.waiting, owner)
      count('joined', -1)
      owner = nil
    end
    if owner or stateCodes(number, number)[number] > 0 then
      enterLobby(id)
    else
      redis.call('ZADD', K.waiting, number, id)
      redis.call('SETBIT', K.bits, number, 1)
      redis.call('SETBIT', K.seen[1], number, 1)
    end
  end
  if #claims > 0 then changed() end
  return #claims
end

-- By chance, which the secret seed decides: nobody gains by being early.
local function shuffle()
  local ids = redis.call('ZRANGE', K.lobby, 0, SLICE - 1)
  if #ids == 0 then return 0 end
  local members = {}
  for i, id in ipairs(ids) do
    members[2 * i - 1] = tonumber(string.sub(redis.sha1hex((draw[6] or '') .. id), 1, CHANCE_DIGITS), 16)
    members[2 * i] = id
  end
  redis.call('ZREM', K.lobby, unpack(ids))
  redis.call('ZADD', K.frozen, unpack(members))
  return #ids
end

-- The next of the lobby's numbers that are nobody's, or wait for somebody who has not shown up.
local function fill(last)
  local ids = redis.call('ZRANGE', K.frozen, 0, SLICE - 1)
  local from = tonumber(redis.call('HGET', K.draw, 'filledTo') or 0) + 1
  if #ids == 0 or from > last then return false end
  local to = math.min(last, from + SLICE - 1)
  local states, owners, recorded = stateCodes(from, to), {}, redis.call('HMGET', K.entries, unpack(ids))
  local waiting = redis.call('ZRANGEBYSCORE', K.waiting, from, to, 'WITHSCORES')
  for i = 1, #waiting, 2 do owners[tonumber(waiting[i + 1])] = waiting[i] end
  local number, done, standIns, members, bits = from, {}, {}, {}, {}
  for i, id in ipairs(ids) do
    while number <= to and (states[number] > 0 or owners[number] and not isStandIn(owners[number])) do number = number + 1 end
    if number > to then break end
    done[#done + 1] = id
    -- Whoever has left meanwhile, or is in the shop by a token, waits for no number.
    if not recorded[i] then
      if owners[number] then standIns[#standIns + 1] = owners[number] end
      members[#members + 1] = number
      members[#members + 1] = id
      for _, part in ipairs({ 'SET', 'u1', number, 1 }) do bits[#bits + 1] = part end
      number = number + 1
    end
  end
  redis.call('HSET', K.draw, 'filledTo', math.min(number - 1, to))
  if #done > 0 then redis.call('ZREM', K.frozen, unpack(done)) end
  if #standIns > 0 then
    redis.call('ZREM', K.waiting, unpack(standIns))
    count('joined', -#standIns)
  end
  if #members > 0 then
    redis.call('ZADD', K.waiting, unpack(members))
    redis.call('BITFIELD', K.bits, unpack(bits))
    redis.call('BITFIELD', K.seen[1], unpack(bits))
    changed()
  end
  return true
end

if draw[4] == 'unproven' then
  if shuffle() > 0 or fill(tonumber(draw[5])) or queueBehind(K.frozen, 0) > 0 then return 1 end
  redis.call('HSETNX', K.draw, 'drawnAt', now)
  -- From now on it is another draw than the one that was lost: what is remembered of that one's numbers counts no more.
  redis.call('HSET', K.draw, 'filledAt', now)
  redis.call('HDEL', K.draw, 'lobbyMissing', 'filledTo')
  redis.call('UNLINK', K.lobbyLeft, K.lobbyGone)
  return goOnAfter(0)
end
local entries = tonumber(draw[2])
local hasNobody = redis.call('ZCARD', K.lobby) + redis.call('ZCARD', K.frozen) == 0
if tonumber(draw[3]) == 0 and (entries == 0 or not hasNobody) then return closeAgain(entries) end
if takeClaims() > 0 then return 1 end
giveUpProof(entries, now + NUMBERS_MS)
return goOnAfter(NUMBERS_MS)
