-- Brings back what a gateway remembers of some queue numbers. Whatever is further along wins, what Redis has kept or what
-- is remembered: so any gateway may bring back its own memory, in any order, twice, or only half of it.
--
-- A number whose owner nobody remembers is given a stand-in, an entry whose id is "~" and the number: it waits, has its
-- turn or its room, and ends like any other, until the owner's queue ticket takes its place (queue/adopt.lua).
--
-- ARGV[2]  the epoch of the recovery
-- ARGV[3]  the last number that was given, as far as is remembered
-- ARGV[4]  by how many seconds an admission's token outlives it
-- ARGV[5]  longer admissions that were given, 'ms:until', or empty
-- ARGV[6]  the epoch of what is remembered,
-- ARGV[7]  and its eras
-- ARGV[8]  the first number of this slice
-- ARGV[9]  what became of each number from there on, a character each, at most SLICE: '.' not remembered, '0' waits, else
--          as prelude/states.lua's STATE_NAMES
-- ARGV[10…] number, id, …: owners whom the caller knows, of numbers that do not wait
--
-- -1 when this recovery is over | -2 when it is too early for what was remembered before the last recovery | how many
-- numbers were brought forward
local sale = loadSale()
local known = redis.call('HMGET', K.queue, 'epoch', 'recoveredAt', 'next', 'restoredTo')
if not sale or tonumber(known[1] or 1) ~= tonumber(ARGV[2]) or not isRecovering() then return -1 end
-- A Redis that is full takes back all the same what it had.
mayDrain()
local memoryEpoch = tonumber(ARGV[6])
if mustSpeakLater(memoryEpoch) then return -2 end
noteEras(ARGV[7])
local lastRemembered = math.min(tonumber(ARGV[3]), lastNumberOf(memoryEpoch))
local recoveredAt = keepRecovering()
redis.call('HSET', K.queue, 'next', math.max(tonumber(known[3] or 0), lastRemembered), 'restoredTo', math.max(tonumber(known[4] or 0), lastRemembered))

if ARGV[5] ~= '' then noteLongerAdmissions(longerAdmissions(ARGV[5])) end
local from = tonumber(ARGV[8])
local codes = string.sub(ARGV[9], 1, math.max(0, lastRemembered - from + 1))
if codes == '' then return 0 end
local to = from + #codes - 1
local ids, owners = {}, {}
for i = 10, #ARGV, 2 do ids[tonumber(ARGV[i])] = ARGV[i + 1] end
local members = redis.call('ZRANGEBYSCORE', K.waiting, from, to, 'WITHSCORES')
for i = 1, #members, 2 do owners[tonumber(members[i + 1])] = members[i] end
local states = stateCodes(from, to)
-- Numbers of a draw that is under way: nobody has them yet.
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries')
local function isUndrawn(number)
  return isUnderWay(draw[1]) and number > tonumber(draw[2]) and number <= tonumber(draw[3])
end

-- Puts an entry that is in no set into the state in which it is remembered.
local function put(id, entry, code)
  local state = STATE_NAMES[code]
  if state == 'ready' then
    entry.state = state
    entry.claimBy = recoveredAt + sale.claimMs
    redis.call('ZADD', K.ready, entry.claimBy, id)
    writeEntry(id, entry)
  elseif state == 'admitted' then
    -- When it ends nobody remembers. Its room is kept as long as it could be in use, or until the booking service has said
    -- whose payments go on (gateway/recovery/silent-rooms.ts).
    entry.state = state
    entry.claimBy = nil
    entry.expiresAt = silentUntil()
    entry.exp = math.ceil(entry.expiresAt / 1000) + tonumber(ARGV[4])
    entry.holdEnds = entry.exp * 1000
    entry.adopted = true
    redis.call('ZADD', K.admitted, deadlineOf(entry), id)
    noteSilent(id, entry)
    writeEntry(id, entry)
  else
    finishEntry(id, entry, state)
  end
end

local joined, waits, bits, ended = 0, {}, {}, {}
local brought = 0
for i = 1, #codes do
  local number = from + i - 1
  local code = tonumber(string.sub(codes, i, i))
  local owner = owners[number]
  if code and not isUndrawn(number) then
    if not owner and states[number] == 0 then
      joined = joined + 1
      brought = brought + 1
      local id = standInOf(number)
      if code == 0 then
        waits[#waits + 1] = number
        waits[#waits + 1] = id
        for _, part in ipairs({ 'SET', 'u1', number, 1 }) do bits[#bits + 1] = part end
      elseif code <= STATE_CODES.admitted then
        put(id, { number = number }, code)
      else
        writeState(number, STATE_NAMES[code])
        ended[code] = (ended[code] or 0) + 1
      end
    elseif code > states[number] then
      local id = owner or ids[number] or standInOf(number)
      local entry = readEntry(id)
      if entry and (owner or entry.number == number) then
        takeOut(id, entry)
        put(id, entry, code)
        brought = brought + 1
      elseif code > STATE_CODES.admitted and (states[number] == STATE_CODES.missed or states[number] > STATE_CODES.admitted) then
        -- Its owner, whom nobody can name by the number, was taken to have missed a turn, or has left or expired by what Redis
        -- had kept: currentEntry says how it ended.
        count('ended:' .. STATE_NAMES[states[number]], -1)
        writeState(number, STATE_NAMES[code])
        count('ended:' .. STATE_NAMES[code], 1)
        brought = brought + 1
      end
    end
  end
end
if joined > 0 then count('joined', joined) end
for code, times in pairs(ended) do count('ended:' .. STATE_NAMES[code], times) end
if #waits > 0 then
  redis.call('ZADD', K.waiting, unpack(waits))
  redis.call('BITFIELD', K.bits, unpack(bits))
  setBits(K.seen[1], from, to)
end
if brought > 0 then changed() end
return brought
