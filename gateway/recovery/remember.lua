-- What a gateway remembers of a queue for the day Redis has lost it, all of one moment. Reads only.
--
-- ARGV[2]  the mark of what the caller has already, or empty
--
-- {'no-sale'} | {'same'} | {mark, epoch, version, last number, waiting bits, states, name, value, …: the draw}
if not loadSale() then return { 'no-sale' } end
local marks = redis.call('HMGET', K.queue, 'epoch', 'changes', 'joined', 'turns', 'ended:finished', 'ended:left', 'ended:lapsed',
  'ended:missed', 'ended:expired', 'ended:closed')
for i = 1, #marks do marks[i] = marks[i] or 0 end
local draw = redis.call('HGETALL', K.draw)
local mark = table.concat(marks, '|') .. '|' .. redis.call('ZCARD', K.admitted) .. '|' .. table.concat(draw, '|')
if mark == ARGV[2] then return { 'same' } end
return {
  mark, currentEpoch(), tonumber(marks[2]), tonumber(redis.call('HGET', K.queue, 'next') or 0),
  redis.call('GET', K.bits) or '', redis.call('GET', K.states) or '', unpack(draw),
}
