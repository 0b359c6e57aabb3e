-- Some queue numbers, as the sorted set `waiting` has them and as `waiting-bits` has them, at one moment. Reads only.
--
-- ARGV[2]  the first number, a multiple of 8
-- ARGV[3]  the last number
--
-- JSON: {ids: {id, number, …}, withoutBit: numbers, withoutMember: numbers, recorded: ids that wait and are recorded as
--  something else too}
local from, to = tonumber(ARGV[2]), tonumber(ARGV[3])
local members = redis.call('ZRANGEBYSCORE', K.waiting, from, to, 'WITHSCORES')
local bytes = redis.call('GETRANGE', K.bits, from / 8, math.floor(to / 8))
local waits, withoutBit, withoutMember, recorded = {}, {}, {}, {}
local function bitOf(number)
  local byte = string.byte(bytes, math.floor(number / 8) - from / 8 + 1) or 0
  return math.floor(byte / 2 ^ (7 - number % 8)) % 2
end
for i = 1, #members, 2 do
  local number = tonumber(members[i + 1])
  waits[number] = true
  if bitOf(number) == 0 then withoutBit[#withoutBit + 1] = number end
  if redis.call('HEXISTS', K.entries, members[i]) == 1 then recorded[#recorded + 1] = members[i] end
end
for number = from, to do
  -- While the draw is written down its bits are set ahead of its members.
  if not waits[number] and bitOf(number) == 1 then withoutMember[#withoutMember + 1] = number end
end
local draw = redis.call('HMGET', K.draw, 'state', 'placed', 'entries')
if isUnderWay(draw[1]) then
  local kept = {}
  for _, number in ipairs(withoutMember) do
    if number <= tonumber(draw[2]) or number > tonumber(draw[3]) then kept[#kept + 1] = number end
  end
  withoutMember = kept
end
return cjson.encode({ ids = members, withoutBit = withoutBit, withoutMember = withoutMember, recorded = recorded })
