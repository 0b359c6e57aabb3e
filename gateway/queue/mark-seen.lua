-- Merges one process's heartbeats into the sale's, and turns the generations.
--
-- Presence is kept in four generations, each a third of graceSeconds long. When a generation begins, whoever is in none
-- of the three whole ones before it has not been seen for graceSeconds, and is marked absent. The generations' clock
-- counts the time between two merges only up to MERGE_GAP_MS_MAX: while no gateway can record presence, nobody lapses.
--
-- ARGV[2]  a bitmap, bit n for queue number n; may be empty
--
-- 1 when a generation began (there may be absent entries), else 0
local MERGE_GAP_MS_MAX = 10000
local sale = loadSale()
if not sale then return 0 end
mayDrain()

if ARGV[2] ~= '' then
  redis.call('SET', K.scratch, ARGV[2])
  redis.call('BITOP', 'OR', K.seen[1], K.seen[1], K.scratch)
  redis.call('DEL', K.scratch)
end

local clock = redis.call('HMGET', K.queue, 'seenAgeMs', 'seenAt')
local ageMs = tonumber(clock[1] or 0) + math.min(MERGE_GAP_MS_MAX, math.max(0, now - tonumber(clock[2] or now)))
local begins = ageMs >= sale.graceMs / 3
if begins then ageMs = 0 end
redis.call('HSET', K.queue, 'seenAgeMs', ageMs, 'seenAt', now)
if not begins then return 0 end

redis.call('DEL', K.seen[4])
for generation = 3, 1, -1 do
  if redis.call('EXISTS', K.seen[generation]) == 1 then
    redis.call('RENAME', K.seen[generation], K.seen[generation + 1])
  end
end
-- absent = waiting and not seen, written so that it works for bitmaps of different lengths.
redis.call('BITOP', 'OR', K.scratch, K.seen[2], K.seen[3], K.seen[4])
redis.call('BITOP', 'AND', K.scratch, K.scratch, K.bits)
redis.call('BITOP', 'XOR', K.absent, K.scratch, K.bits)
redis.call('DEL', K.scratch)
return 1
