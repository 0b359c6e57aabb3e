-- Takes out waiting entries that mark-seen found absent, at most ENDS_PER_CALL_MAX of SLICE that it looks at.
--
-- It waits until every process has merged the heartbeats it took before the generation began: a fan who was seen in the
-- last moment must not be among the absent.
--
-- {lapsed, more 0/1}
local MERGE_WAIT_MS = 5000
local sale = loadSale()
if not sale then return { 0, 0 } end
mayDrain()
local ageMs = tonumber(redis.call('HGET', K.queue, 'seenAgeMs') or 0)
if ageMs < math.min(MERGE_WAIT_MS, sale.graceMs / 6) then return { 0, 0 } end

local lapsed = 0
local examined = 0
local from = 0
while examined < SLICE and lapsed < ENDS_PER_CALL_MAX do
  local number = redis.call('BITPOS', K.absent, 1, from)
  if number < 0 then
    redis.call('DEL', K.absent)
    return { lapsed, 0 }
  end
  from = math.floor(number / 8)
  examined = examined + 1
  redis.call('SETBIT', K.absent, number, 0)
  -- Someone seen since the generation began stays; someone who left meanwhile is gone already.
  if redis.call('GETBIT', K.seen[1], number) == 0 and redis.call('GETBIT', K.bits, number) == 1 then
    local id = redis.call('ZRANGEBYSCORE', K.waiting, number, number)[1]
    if id then
      stopWaiting(id, number)
      finishEntry(id, { number = number }, 'lapsed')
      lapsed = lapsed + 1
    end
  end
end
return { lapsed, 1 }
