-- Nobody pays in these admissions, which are over by themselves: their rooms are free.
--
-- ARGV[2]  the epoch in which it was asked (list-silent.lua), and
-- ARGV[3]  when: of whoever was not over by then the answer says nothing
-- ARGV[4…] the entries that were listed; a payment that has been noted since keeps its room
--
-- how many have ended
if not loadSale() or currentEpoch() ~= tonumber(ARGV[2]) or isOldAnswer(tonumber(ARGV[3])) then return 0 end
mayDrain()
local asOf = tonumber(ARGV[3])
local ended = 0
for i = 4, #ARGV do
  local id = ARGV[i]
  local asksFrom = tonumber(redis.call('ZSCORE', K.holdsUnknown, id) or nil)
  local isOver = asksFrom and asksFrom <= asOf or redis.call('ZSCORE', K.silent, id) and areStandInsOver(asOf)
  if isOver then
    redis.call('ZREM', K.silent, id)
    redis.call('ZREM', K.holdsUnknown, id)
    local entry = currentEntry(id, 'open')
    if entry and entry.state == 'admitted' then
      entry.holdEnds = nil
      expireAdmission(id, entry)
      ended = ended + 1
    end
  end
end
return ended
