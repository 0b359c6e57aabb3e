-- One gateway at a time works on a draw; where it has not got on for a while, another takes it up. Only to save work:
-- two who do it at once do the same.
--
-- ARGV[2]  after how long without progress, milliseconds
--
-- 1 when the caller shall go on with the draw, else 0
local draw = redis.call('HMGET', K.draw, 'state', 'workedAt', 'lobbyMissing')
if draw[3] then return 0 end
if draw[1] ~= 'frozen' and draw[1] ~= 'drawing' then return 0 end
local idleMs = now - tonumber(draw[2] or 0)
if idleMs >= 0 and idleMs < tonumber(ARGV[2]) then return 0 end
redis.call('HSET', K.draw, 'workedAt', now)
return 1
