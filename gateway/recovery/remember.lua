-- What a gateway remembers of a queue for the day Redis has lost it, all of one moment. Reads only.
--
-- ARGV[2]  the mark of what the caller has already, or empty
--
-- {'no-sale'} | {'same'} | {mark, epoch, version, moves, run, moves when the run began, last number, waiting bits, states,
--   name, value, …: the draw}
if not loadSale() then return { 'no-sale' } end
local names = { 'epoch', 'changes', 'moves', 'runId', 'runBeganAt', 'next' }
local known = redis.call('HMGET', K.queue, unpack(names))
for i = 1, #names do known[i] = known[i] or (names[i] == 'runId' and '' or names[i] == 'epoch' and 1 or 0) end
local draw = redis.call('HGETALL', K.draw)
local mark = table.concat(known, '|') .. '|' .. table.concat(draw, '|')
if mark == ARGV[2] then return { 'same' } end
return {
  mark, tonumber(known[1]), tonumber(known[2]), tonumber(known[3]), known[4], tonumber(known[5]), tonumber(known[6]),
  redis.call('GET', K.bits) or '', redis.call('GET', K.states) or '', unpack(draw),
}
