-- What the gateways remember together about an event or a layout, and whether the caller should ask the booking service
-- for it: of all gateways one at a time, for as long as an answer may take.
--
-- KEYS[1]  the fact: `at` (its version: when it was asked for, epoch ms), `body` (JSON)
-- KEYS[2]  who is asking
-- ARGV[1]  from which age on it should be asked for again, ms
-- ARGV[2]  the caller's mark
-- ARGV[3]  how long the caller may take to ask, ms; 0 to leave nothing behind when there is no fact
--
-- the body or '', its age in ms (-1 without a body), 1 if the caller should ask, the time by Redis' clock
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fact = redis.call('HMGET', KEYS[1], 'at', 'body')
local body = fact[2] or ''
local age = fact[1] and math.max(0, now - tonumber(fact[1])) or -1
if age >= 0 and age < tonumber(ARGV[1]) then return { body, age, 0, now } end
if ARGV[3] == '0' then return { body, age, 1, now } end
-- A Redis that is full refuses to be written to: then whoever wants to know asks.
local asked = redis.pcall('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3])
return { body, age, asked and 1 or 0, now }
