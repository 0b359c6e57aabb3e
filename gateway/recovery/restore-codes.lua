-- Brings back what a gateway remembers of some access codes: who occupies their uses, and how many places they have
-- opened. Idempotent, whoever else does it: an entry occupies at most one use, and of two counts the higher one holds.
--
-- The numbers are here already (restore.lua). A use belongs to the entry that took it or, until that shows up, to its
-- number's stand-in, and comes back however either ends. One whose entry has ended meanwhile in a way that gives it back
-- is not occupied again; one whose entry nobody knows any more, of a lobby say, is kept for as long as a missed turn's.
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3]  the epoch of what is remembered
-- ARGV[4…] for each of at most CODES_PER_CALL uses (restore-codes.ts): the entry's id, empty for none; its number, 0 in a
--          lobby; the code's digest, empty for a use that the entry has given back; how many places the code has opened
--
-- -1 when this recovery is over | how many uses were brought back
local sale = loadSale()
if not sale or currentEpoch() ~= tonumber(ARGV[2]) or not isRecovering() then return -1 end
mayDrain()
keepRecovering()
local lastNumber = lastNumberOf(tonumber(ARGV[3]))

-- Who has it now, and the entry; without an entry where nobody knows of it, without anybody where it is another fan's.
local function holderOf(id, number)
  local entry = currentEntry(id, 'open')
  if entry or number == 0 then return id, entry end
  if number > lastNumber then return nil end
  local standIn = standInOf(number)
  entry = currentEntry(standIn, 'open')
  if entry then return standIn, entry end
  local code = stateCodes(number, number)[number]
  if code > STATE_CODES.admitted then return standIn, { state = STATE_NAMES[code] } end
  local owner = redis.call('ZRANGEBYSCORE', K.waiting, number, number)[1]
  -- Its stand-in had it, and its owner has shown up since.
  if owner and isStandIn(id) then return owner, { state = 'waiting' } end
  if owner or code == STATE_CODES.ready or code == STATE_CODES.admitted then return nil end
  return id, nil
end

-- Since when its owner is away, of a use that comes back unless they do; nil for one that does not, false for any that was
-- given back.
local function missedSince(entry)
  if not entry then return now end
  if entry.state == 'missed' and not entry.returning then
    local endedAt = entry.endedAt or now
    return not entry.returned and endedAt + sale.graceMs > now and endedAt
  end
  local live = entry.state == 'waiting' or entry.state == 'ready' or entry.state == 'lobby' or entry.state == 'admitted'
  if live or entry.returning or entry.state == 'finished' then return nil end
  return false
end

local function isOccupied(id, number)
  return redis.call('HEXISTS', K.codeOf, id) == 1
    or number > 0 and redis.call('HEXISTS', K.codeOf, standInOf(number)) == 1
end

-- Who had missed a turn for good, so that the code may be another fan's by now, does not come back for the next one.
local function endMissed(id, number)
  local holder, entry = holderOf(id, number)
  if not entry or entry.state ~= 'missed' or entry.returning then return end
  giveCodeBack(holder)
  if entry.returned or redis.call('HEXISTS', K.entries, holder) == 0 then return end
  entry.returned = true
  redis.call('HSET', K.entries, holder, cjson.encode(entry))
end

local brought = 0
for i = 4, #ARGV, 4 do
  local id, number, code, opened = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], tonumber(ARGV[i + 3])
  local known = redis.call('HMGET', K.codes, code, code .. ':opened')
  if code == '' then
    endMissed(id, number)
  elseif known[1] then
    if opened > tonumber(known[2] or 0) then
      redis.call('HSET', K.codes, code .. ':opened', opened)
      logCodes(codeTaken('-', 0, code, opened))
    end
    if id ~= '' and not isOccupied(id, number) then
      local holder, entry = holderOf(id, number)
      local since = missedSince(entry)
      if holder and since ~= false and redis.call('HEXISTS', K.codeOf, holder) == 0 then
        occupyCode(holder, number, code)
        if since then redis.call('ZADD', K.codeMissed, since, holder) end
        brought = brought + 1
      end
    end
  end
end
return brought
