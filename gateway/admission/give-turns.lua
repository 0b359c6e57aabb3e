-- Ends what is over, then gives the next turns. Any gateway may call it at any moment.
--
-- {'no-sale'} | {given, more 0/1}: more when a slice was full and another call would find work at once
local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)
mayDrain()

-- Joins are put down by the second here, a few times a second, and not by each join: that would cost it a sixth more.
local joins = redis.call('HMGET', K.queue, 'joined', 'joinsNoted')
local joined, noted = tonumber(joins[1] or 0), tonumber(joins[2] or 0)
if joined > noted then
  countInSecond(K.joins, joined - noted)
  redis.call('HSET', K.queue, 'joinsNoted', joined)
end

local missed = redis.call('ZRANGEBYSCORE', K.ready, '-inf', now, 'LIMIT', 0, SLICE)
for _, id in ipairs(missed) do missTurn(id, readEntry(id)) end
local expired = expireAdmissions()
local tidied = math.max(#missed, expired)

-- The end of a sale acts at once wherever an entry is looked at; here the rest is tidied up, slice by slice.
if hasEnded(state) then
  local closing = redis.call('ZPOPMIN', K.waiting, SLICE)
  for i = 1, #closing, 2 do
    local number = tonumber(closing[i + 1])
    redis.call('SETBIT', K.bits, number, 0)
    finishEntry(closing[i], { number = number }, 'closed')
  end
  for _, key in ipairs({ K.ready, K.blocked, K.returning }) do
    local rest = redis.call('ZPOPMIN', key, SLICE)
    for i = 1, #rest, 2 do
      local entry = readEntry(rest[i])
      if entry.returning then
        entry.returning = nil
        count('ended:missed', -1)
      end
      finishEntry(rest[i], entry, 'closed')
    end
  end
  for _, id in ipairs(redis.call('SPOP', K.lobby, SLICE)) do finishEntry(id, {}, 'closed') end
  if #closing > 0 then changed() end
  return { 0, #closing == 2 * SLICE and 1 or 0 }
end
if state ~= 'open' then return { 0, tidied == SLICE and 1 or 0 } end

-- The token bucket of the admission rate: it holds at most one second's turns (and at least one), so that a pause of
-- the givers is not followed by a rush.
local bucket = redis.call('HMGET', K.queue, 'turnTokens', 'turnTokensAt')
local perMs = sale.admitPerMinute / 60000
local most = math.max(1, sale.admitPerMinute / 60)
local tokens = math.min(most, tonumber(bucket[1] or most) + math.max(0, now - tonumber(bucket[2] or now)) * perMs)

local room = sale.capacity - redis.call('ZCARD', K.admitted) - redis.call('ZCARD', K.ready)

-- Turns that found the shop full come first; they have had their token, so only room counts.
local unblocked = 0
if room > 0 and redis.call('ZCARD', K.blocked) > 0 then
  local kept = redis.call('ZPOPMIN', K.blocked, math.min(room, SLICE))
  for i = 1, #kept, 2 do
    local entry = readEntry(kept[i])
    entry.claimBy = now + sale.claimMs
    redis.call('ZADD', K.ready, entry.claimBy, kept[i])
    writeEntry(kept[i], entry)
    unblocked = unblocked + 1
  end
end

local turns = math.max(0, math.min(room - unblocked, math.floor(tokens), SLICE))
local given = 0
local function give(id, number, entry)
  entry.state = 'ready'
  entry.number = number
  entry.claimBy = now + sale.claimMs
  entry.endedAt = nil
  writeEntry(id, entry)
  redis.call('ZADD', K.ready, entry.claimBy, id)
  given = given + 1
end

if turns > 0 then
  local back = redis.call('ZPOPMIN', K.returning, turns)
  for i = 1, #back, 2 do
    local entry = readEntry(back[i])
    entry.returning = nil
    count('ended:missed', -1)
    give(back[i], entry.number, entry)
  end
end
if turns > given then
  -- While the draw is being written down only what stands before its end may be served: the rest of the lobby comes
  -- before everybody who arrived later.
  local draw = redis.call('HMGET', K.draw, 'state', 'placed')
  local last = draw[1] == 'drawing' and draw[2] or '+inf'
  local front = redis.call('ZRANGEBYSCORE', K.waiting, '-inf', last, 'WITHSCORES', 'LIMIT', 0, turns - given)
  local before = given
  for i = 1, #front, 2 do
    local number = tonumber(front[i + 1])
    redis.call('ZREM', K.waiting, front[i])
    redis.call('SETBIT', K.bits, number, 0)
    give(front[i], number, {})
  end
  if given > before then changed() end
end

redis.call('HSET', K.queue, 'turnTokens', tokens - given, 'turnTokensAt', now)
if given > 0 then
  count('turns', given)
  countInSecond(K.turns, given)
end
local more = tidied == SLICE or given == SLICE
return { given, more and 1 or 0 }
