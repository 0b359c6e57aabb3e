-- Gives a fan a place, or returns the one the fan already has.
--
-- ARGV[2]  the id in the fan's queue ticket, or empty
-- ARGV[3]  the id derived from the fan's Idempotency-Key, or empty
-- ARGV[4]  a new random id
-- ARGV[5]  the digest of the fan's access code, or empty
-- ARGV[6]  how many places each use of a code may open in all
--
-- {'no-sale'} | {'not-open'} | {'sale-ended'} | {'already-finished'} | {'freeze'} (the lobby must be frozen first)
-- {'code-missing'} | {'code-unknown'} | {'code-taken'} | {'code-worn'} (it has opened all the places it may)
-- {created 0/1, ahead, entry…}: the entry as prelude's describe gives it; ahead counts waiting entries before it.
local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)

local ended = {}
local unused = nil
for _, candidate in ipairs({ ARGV[2], ARGV[3] }) do
  if candidate ~= '' then
    local id = candidate
    local entry = currentEntry(id, state)
    -- The same key joins again after its entry ended: the old entry names the one that came after it.
    while entry and entry.rejoined do
      id = entry.rejoined
      entry = currentEntry(id, state)
    end
    if not entry then
      if candidate == ARGV[3] then unused = candidate end
    else
      if not hasEnded(state) then comeBack(id, entry, sale) end
      if entry.state == 'finished' then return { 'already-finished' } end
      local live = entry.state == 'lobby' or entry.state == 'waiting' or entry.state == 'ready'
        or entry.state == 'admitted' or entry.returning
      if live then
        local ahead = entry.state == 'waiting' and redis.call('ZRANK', K.waiting, id) or 0
        return { 0, ahead, describe(id, entry) }
      end
      ended[#ended + 1] = id
      if candidate ~= id then ended[#ended + 1] = candidate end
    end
  end
end

if hasEnded(state) then return { 'sale-ended' } end
if state == 'scheduled' then return { 'not-open' } end

local drawState = redis.call('HGET', K.draw, 'state')
if state ~= 'lobby' and drawState == 'committed' then return { 'freeze' } end

local code = ARGV[5]
local opened = code .. ':opened'
if sale.codeUses > 0 then
  if code == '' then return { 'code-missing' } end
  if redis.call('HEXISTS', K.codes, code) == 0 then return { 'code-unknown' } end
  -- A full Redis refuses this, and so the whole join, before anything is removed.
  count('joined', 0)
  giveMissedCodesBack(sale)
  if tonumber(redis.call('HGET', K.codes, opened) or 0) >= sale.codeUses * tonumber(ARGV[6]) then
    return { 'code-worn' }
  end
  if tonumber(redis.call('HGET', K.codes, code)) >= sale.codeUses then return { 'code-taken' } end
end

local id = unused or ARGV[4]
local entry = { state = 'lobby' }
local ahead = 0
count('joined', 1)
if sale.codeUses > 0 then
  redis.call('HINCRBY', K.codes, code, 1)
  redis.call('HINCRBY', K.codes, opened, 1)
  redis.call('HSET', K.codeOf, id, code)
end
if state == 'lobby' then
  redis.call('SADD', K.lobby, id)
else
  local number = redis.call('HINCRBY', K.queue, 'next', 1)
  ahead = redis.call('ZCARD', K.waiting) + lobbySize()
  redis.call('ZADD', K.waiting, number, id)
  redis.call('SETBIT', K.bits, number, 1)
  redis.call('SETBIT', K.seen[1], number, 1)
  entry = { state = 'waiting', number = number }
end
changed()
for _, old in ipairs(ended) do
  local record = readEntry(old)
  if record and record.state ~= 'waiting' and record.state ~= 'lobby' then
    record.rejoined = id
    writeEntry(old, record)
  end
end
return { 1, ahead, describe(id, entry) }
