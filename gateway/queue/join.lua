-- Gives fans places, or returns the ones they already have: all joins that came while the call before was under way, one
-- after another in their order of arrival, each with its own answer.
--
-- ARGV[2]  how many places each use of an access code may open in all
-- ARGV[3…] each of at most SLICE joins: a new random id, and nothing more of a fan of whom nothing is known; else, with commas
--          between, that id; the id in the fan's queue ticket, or empty; the id derived from the fan's Idempotency-Key, or
--          empty; the digest of the fan's access code, or empty; what other secrets derive from the key, with spaces between
--
-- {'no-sale'} | {'freeze'} (the lobby must be frozen first; nothing was done) | {now, moment, ahead, answer, …}
-- moment: how far the queue is from now on; ahead: the waiting entries before the first new one. Each answer is
--   number > 0  a new place with this queue number, under the id of the key or else the new one; each later one has one
--               more entry ahead
--   0           the same in the lobby
--   'not-open' | 'sale-ended' | 'already-finished' | 'restoring' (no number is given at this moment) | 'code-missing' |
--   'code-unknown' | 'code-taken' | 'code-worn' (it has opened all the places it may)
--   {created 0/1, ahead, id, entry…}: any other place; the entry as prelude's describe gives it
local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)
local draw = redis.call('HMGET', K.draw, 'state', 'entries', 'placed')
-- A clock that goes back does not open a lobby again that was frozen.
if state == 'lobby' and draw[1] and draw[1] ~= 'committed' then state = 'open' end
local ended = hasEnded(state)
local waits = mustWait()
if not waits and not ended and state ~= 'scheduled' and state ~= 'lobby' and draw[1] == 'committed' then
  return { 'freeze' }
end

local opensPerUse = tonumber(ARGV[2])
local first = tonumber(redis.call('HGET', K.queue, 'next') or 0) + 1
local last = first - 1
-- Until the draw is written down the rest of the lobby stands before everybody who comes now, whoever has left it
-- included: their bits are cleared when their numbers are reached, and a position must never rise.
local undrawn, lastDrawn = 0, 0
if isUnderWay(draw[1]) then
  lastDrawn = tonumber(draw[2])
  undrawn = lastDrawn - tonumber(draw[3])
end
local ahead = redis.call('ZCARD', K.waiting) + undrawn
local joined = 0
-- What this call has made is written at its end, all at once: here it is found before.
local made = {}
local members = {}
local rejoins = {}
local missedCodesGivenBack = false
local codesTaken = {}

local function madeEntry(id)
  local number = made[id]
  if not number then return nil end
  return number > 0 and { state = 'waiting', number = number } or { state = 'lobby' }
end

local function aheadOf(id, entry)
  if entry.state ~= 'waiting' then return 0 end
  if made[id] then return ahead + entry.number - first end
  return (redis.call('ZRANK', K.waiting, id) or 0) + (entry.number > lastDrawn and undrawn or 0)
end

-- Why a new place cannot be opened with this code, or nil and, of a code, how many it has opened; takes one of its uses.
local function takeCode(id, code)
  if sale.codeUses == 0 then return nil end
  if code == '' then return 'code-missing' end
  local opened = code .. ':opened'
  local known = redis.call('HMGET', K.codes, code, opened)
  if not known[1] then return 'code-unknown' end
  if not missedCodesGivenBack then
    -- A full Redis refuses this, and so the whole call, before anything is removed.
    count('joined', 0)
    giveMissedCodesBack(sale)
    missedCodesGivenBack = true
    known = redis.call('HMGET', K.codes, code, opened)
  end
  if tonumber(known[2] or 0) >= sale.codeUses * opensPerUse then return 'code-worn' end
  if tonumber(known[1]) >= sale.codeUses then return 'code-taken' end
  redis.call('HINCRBY', K.codes, code, 1)
  redis.call('HSET', K.codeOf, id, code)
  return nil, redis.call('HINCRBY', K.codes, opened, 1)
end

local NONE = {}

local function join(said)
  local newId, ticketId, keyId, code, otherKeyIds = string.match(said, '^([^,]*),([^,]*),([^,]*),([^,]*),(.*)$')
  local over, candidates = NONE, NONE
  local unused = nil
  if newId then
    over, candidates = {}, { ticketId, keyId }
    for id in string.gmatch(otherKeyIds, '%S+') do candidates[#candidates + 1] = id end
  else
    newId, code = said, ''
  end
  for _, candidate in ipairs(candidates) do
    if candidate ~= '' then
      local id = candidate
      local entry = madeEntry(id) or currentEntry(id, state)
      -- The same key joins again after its entry ended: the old entry names the one that came after it.
      while entry and (entry.rejoined or rejoins[id]) do
        id = rejoins[id] or entry.rejoined
        entry = madeEntry(id) or currentEntry(id, state)
      end
      if not entry then
        if candidate == keyId then unused = candidate end
      else
        if not ended then comeBack(id, entry, sale) end
        if entry.state == 'finished' then return 'already-finished' end
        local live = entry.state == 'lobby' or entry.state == 'waiting' or entry.state == 'ready'
          or entry.state == 'admitted' or entry.returning
        if live then return { 0, aheadOf(id, entry), id, describe(id, entry) } end
        over[#over + 1] = id
        if candidate ~= id then over[#over + 1] = candidate end
      end
    end
  end

  if ended then return 'sale-ended' end
  if state == 'scheduled' then return 'not-open' end
  if waits then return 'restoring' end
  local id = unused or newId
  local refused, opened = takeCode(id, code)
  if refused then return refused end

  joined = joined + 1
  local number = 0
  if state == 'lobby' then
    enterLobby(id)
  else
    last = last + 1
    number = last
    members[#members + 1] = number
    members[#members + 1] = id
  end
  made[id] = number
  if opened then codesTaken[#codesTaken + 1] = codeTaken(id, number, code, opened) end
  if #over == 0 then return number end
  for _, old in ipairs(over) do rejoins[old] = id end
  local entry = madeEntry(id)
  return { 1, aheadOf(id, entry), id, describe(id, entry) }
end

local epoch = currentEpoch()
local answers = { now, {}, ahead }
for i = 3, #ARGV do answers[#answers + 1] = join(ARGV[i]) end

if joined > 0 then
  count('joined', joined)
  if last >= first then
    noteEra(epoch, first - 1, now)
    redis.call('HSET', K.queue, 'next', last)
    redis.call('ZADD', K.waiting, unpack(members))
    setBits(K.bits, first, last)
    setBits(K.seen[1], first, last)
  end
  if #codesTaken > 0 then logCodes(table.concat(codesTaken)) end
  changed()
end
for old, id in pairs(rejoins) do
  local record = readEntry(old)
  if record and record.state ~= 'waiting' and record.state ~= 'lobby' then
    record.rejoined = id
    writeEntry(old, record)
  end
end
answers[2] = momentNow()
return answers
