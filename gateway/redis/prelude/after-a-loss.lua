-- The rooms of the silent (gateway/recovery/silent-rooms.ts): whether all that are kept for stand-ins are over at a moment.
local function areStandInsOver(at) return redis.call('EXISTS', K.silent) == 1 and at >= silentUntil() end

-- Of how many admissions that were brought back it is to be asked at this moment whether a payment goes on in them.
local function silentRooms()
  local standIns = areStandInsOver(now) and redis.call('ZCARD', K.silent) or 0
  return standIns + redis.call('ZCOUNT', K.holdsUnknown, '-inf', now)
end

-- A payment that was let in has begun, for all to see, so long after: longer than a gateway waits for the booking service's
-- answer (gateway/booking/client.ts).
local PAYMENT_BEGINS_MS = 15000
-- An answer of the booking service that was asked for longer ago says nothing: a payment may have begun since.
local ANSWER_AGE_MS_MAX = 5000
local function isOldAnswer(askedAt) return now > askedAt + ANSWER_AGE_MS_MAX end

-- Whether an entry has ended in a way that neither a token nor a payment undoes.
local function isOverForGood(entry)
  return entry.state == 'finished' or entry.state == 'left' or entry.state == 'expired' and not entry.displaced
end

-- How a number ended for good whose owner Redis does not know, or nil.
local function endOf(number)
  if number == 0 then return nil end
  local known = readEntry(standInOf(number)) or { state = STATE_NAMES[stateCodes(number, number)[number]] }
  return isOverForGood(known) and known.state or nil
end

-- Those in the shop who are known to be there have room in it: one whom nobody has heard of gives up theirs.
local function isFull(sale) return redis.call('ZCARD', K.admitted) + redis.call('ZCARD', K.ready) >= sale.capacity end
local function displaceOne()
  local id, standIn
  repeat
    id = redis.call('ZRANGE', K.silent, 0, 0)[1]
    if not id then return end
    standIn = redis.call('ZSCORE', K.admitted, id) and readEntry(id)
    -- A gateway of an older version, beside this one, does not know the set.
    if not standIn then redis.call('ZREM', K.silent, id) end
  until standIn
  expireAdmission(id, standIn)
  standIn.displaced = true
  redis.call('HSET', K.entries, id, cjson.encode(standIn))
end

-- After a loss: of those at the front whom nobody has brought back, none takes the turn of somebody who is there. They
-- have missed it, and who shows up after all gets the next free one, once. Looks at `most` at the front. Returns how many
-- were passed over, and how many who are there stand at the front now, of `turns`: where that is fewer, who comes next is
-- not known yet, or nobody is left.
local function passOverStandIns(last, turns, most)
  if currentEpoch() == 1 then return 0, turns end
  local front = redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'WITHSCORES', 'LIMIT', 0, most)
  local ids, numbers, entries, bits, there = {}, {}, {}, {}, 0
  for i = 1, #front, 2 do
    if there == turns then break end
    local id, number = front[i], front[i + 1]
    if isStandIn(id) then
      ids[#ids + 1] = id
      numbers[#numbers + 1] = tonumber(number)
      entries[#entries + 1] = id
      entries[#entries + 1] = cjson.encode({ state = 'missed', number = tonumber(number), endedAt = now })
      for _, part in ipairs({ 'SET', 'u1', number, 0 }) do bits[#bits + 1] = part end
    else
      there = there + 1
    end
  end
  if #ids > 0 then
    -- A million may be absent: what ends here is written together.
    redis.call('ZREM', K.waiting, unpack(ids))
    redis.call('BITFIELD', K.bits, unpack(bits))
    redis.call('HSET', K.entries, unpack(entries))
    writeStates(numbers, 'missed')
    count('ended:missed', #ids)
    changed()
    if redis.call('EXISTS', K.codeOf) == 1 then
      local missed = {}
      for i, code in ipairs(redis.call('HMGET', K.codeOf, unpack(ids))) do
        if code then
          missed[#missed + 1] = now
          missed[#missed + 1] = ids[i]
        end
      end
      if #missed > 0 then redis.call('ZADD', K.codeMissed, unpack(missed)) end
    end
  end
  return #ids, there
end

-- After a loss: an entry leaves the set it is in, and the count of its end, to be put elsewhere.
local function takeOut(id, entry)
  if entry.state == 'waiting' then stopWaiting(id, entry.number) end
  if entry.state == 'lobby' then leaveLobby(id) end
  for _, key in ipairs({ K.ready, K.blocked, K.called, K.returning, K.codeMissed }) do redis.call('ZREM', key, id) end
  leaveShop(id)
  local code = STATE_CODES[entry.state] or 0
  if code == STATE_CODES.missed or code > STATE_CODES.admitted then count('ended:' .. entry.state, -1) end
  entry.returning = nil
  entry.endedAt = nil
  entry.claimBy = nil
end

-- After a loss: what stands in for a number whose owner nobody remembered gives way to its owner, an entry that counts by
-- itself. A number of which nothing is known is the owner's from now on.
local function absorb(number, owner)
  local id = standInOf(number)
  local entry = readEntry(id)
  local code = stateCodes(number, number)[number]
  passCodeOn(id, owner, number)
  if entry then
    takeOut(id, entry)
    redis.call('HDEL', K.entries, id)
    -- Its use was given back when its room was: the owner was in the shop all the same.
    if entry.code then occupyCode(owner, number, entry.code) end
  elseif code > STATE_CODES.admitted then
    count('ended:' .. STATE_NAMES[code], -1)
  else
    if code == 0 then noteTaken(number) end
    return
  end
  count('joined', -1)
end

-- Somebody is in the shop and Redis has lost that: an entry that is known as it was before, nil for none, stands there again,
-- and what stands in for its number, 0 where it is not known, gives way. The caller says when it ends.
local function bringBack(sale, id, entry, number)
  noteDrawn(number)
  if entry then
    takeOut(id, entry)
    if entry.code then occupyCode(id, entry.number, entry.code) end
  else
    entry = { number = number > 0 and number or nil }
    count('joined', 1)
    if number > 0 then absorb(number, id) end
  end
  if isFull(sale) then displaceOne() end
  entry.state = 'admitted'
  entry.adopted = true
  entry.displaced = nil
  return entry
end
