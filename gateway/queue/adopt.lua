-- Takes back entries that Redis has lost, by the queue tickets their fans hold: what stands in for their queue numbers
-- (gateway/recovery/restore.lua) becomes theirs.
--
-- ARGV[2…] for each of at most SLICE tickets: the entry's id; its queue number, 0 before the draw; the ticket's epoch
--
-- {'no-sale'} | {epoch, recovering 0/1, answer, answer, …}: the entry as prelude's describe gives it, or
--   {'unknown'}  it came back too late, or its number has ended under another id; while recovering: it may ask again
--   {'kept'}     its number is one of the lobby's, whose draw is being written again: it will have it in a moment
--   {'lost'}     this very epoch gave the ticket, or a later one, and does not know it: Redis has lost data
local sale = loadSale()
if not sale then return { 'no-sale' } end
local state = stateOf(sale)
local epoch = currentEpoch()
local recovering = isRecovering()
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries')
local function isUndrawn(number)
  return isUnderWay(draw[1]) and number > tonumber(draw[2]) and number <= tonumber(draw[3])
end
mayDrain()

-- Gives all that a stand-in has to the entry it stands for.
local function rename(standIn, id, entry)
  passCodeOn(standIn, id, entry.number)
  for _, key in ipairs({ K.waiting, K.ready, K.blocked, K.called, K.returning, K.admitted, K.holding, K.holdingSince }) do
    local score = redis.call('ZSCORE', key, standIn)
    if score then
      redis.call('ZREM', key, standIn)
      redis.call('ZADD', key, score, id)
    end
  end
  if redis.call('HDEL', K.entries, standIn) == 1 then
    entry.adopted = true
    if redis.call('ZREM', K.silent, standIn) == 1 then noteSilent(id, entry) end
    redis.call('HSET', K.entries, id, cjson.encode(entry))
  end
end

local function fromNumber(id, number, ticketEpoch)
  -- It is another fan's by now.
  if number > lastNumberOf(ticketEpoch) then return false end
  local standIn = standInOf(number)
  local entry = currentEntry(standIn, 'open')
  if entry then
    rename(standIn, id, entry)
    return true
  end
  if redis.call('ZCOUNT', K.waiting, number, number) > 0 then return false end
  local code = stateCodes(number, number)[number]
  if code > STATE_CODES.admitted then
    -- Not counted: its number was, when it was brought back.
    redis.call('HSET', K.entries, id, cjson.encode({ state = STATE_NAMES[code], number = number, endedAt = now }))
    passCodeOn(standIn, id, number)
    return true
  end
  if code > 0 or not recovering or mustSpeakLater(ticketEpoch) then return false end
  -- Newer than anything that any gateway remembers.
  count('joined', 1)
  noteTaken(number)
  redis.call('ZADD', K.waiting, number, id)
  redis.call('SETBIT', K.bits, number, 1)
  redis.call('SETBIT', K.seen[1], number, 1)
  changed()
  return true
end

-- Before the draw there is no number: whoever shows up is in the lobby again, as long as it has not been frozen, or
-- nobody has said yet who was in it then.
local function fromLobby(id)
  if not recovering or draw[1] ~= 'committed' and not isLobbyMissing() then return false end
  enterLobby(id)
  count('joined', 1)
  changed()
  return true
end

local function adopt(id, number, ticketEpoch)
  local entry = currentEntry(id, state)
  -- What stands in for its number was about to give way to it when Redis lost that: of nothing else the ticket is proof.
  local isOnlyUnadopted = number > 0 and ticketEpoch == epoch and readEntry(standInOf(number)) ~= nil
  if not entry and ticketEpoch >= epoch and not isOnlyUnadopted then return { 'lost' } end
  if number > 0 and (entry and entry.state == 'lobby' or not entry and isUndrawn(number)) then
    noteDrawn(number)
    -- Who was in the lobby nobody may know in the end: then the number is theirs (gateway/recovery/settle-lobby.lua).
    if not entry and isLobbyMissing() and number <= lastNumberOf(ticketEpoch) then
      redis.call('ZADD', K.lobby, -number, id)
      count('joined', 1)
      changed()
    end
    return { 'kept' }
  end
  if not entry then
    local found = number == 0 and fromLobby(id) or number > 0 and fromNumber(id, number, ticketEpoch)
    if not found then return { 'unknown' } end
    entry = currentEntry(id, state)
  elseif number > 0 and not entry.number and entry.adopted and number <= lastNumberOf(ticketEpoch) then
    -- It was brought back by its admission, which does not always say which number it has.
    absorb(number, id)
    entry.number = number
    writeEntry(id, entry)
  end
  if not hasEnded(state) then comeBack(id, entry, sale) end
  return describe(id, entry)
end

local answers = { epoch, recovering and 1 or 0 }
for i = 2, #ARGV, 3 do answers[#answers + 1] = adopt(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])) end
return answers
