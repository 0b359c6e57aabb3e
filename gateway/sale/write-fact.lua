-- Writes down what the booking service answered, unless something newer is there, and lets others ask again.
--
-- KEYS[1]  the fact
-- KEYS[2]  who is asking
-- ARGV[1]  the caller's mark
-- ARGV[2]  when it was asked for, epoch ms by Redis' clock
-- ARGV[3]  the body as JSON; '' when there was no answer
-- ARGV[4]  how long it is kept, ms
--
-- 1 if it was written
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if ARGV[3] == '' then return 0 end
if tonumber(ARGV[2]) < tonumber(redis.call('HGET', KEYS[1], 'at') or 0) then return 0 end
redis.call('HSET', KEYS[1], 'at', ARGV[2], 'body', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
