-- What a gateway remembers of a queue for the day Redis has lost it, all of one moment. Reads only.
--
-- ARGV[2]  the mark of what the caller has already, or empty
--
-- {'no-sale'} | {'same'} | {mark, epoch, version, moves, run, moves when the run began, last number, eras, waiting bits,
--   states, name, value, …: the draw}
if not loadSale() then return { 'no-sale' } end
local names = { 'epoch', 'changes', 'moves', 'runId', 'runBeganAt', 'next', 'eras' }
local known = redis.call('HMGET', K.queue, unpack(names))
local missing = { epoch = 1, runId = '', eras = '' }
for i, name in ipairs(names) do known[i] = known[i] or missing[name] or 0 end
local draw = redis.call('HGETALL', K.draw)
local mark = table.concat(known, '|') .. '|' .. table.concat(draw, '|')
if mark == ARGV[2] then return { 'same' } end
return {
  mark, tonumber(known[1]), tonumber(known[2]), tonumber(known[3]), known[4], tonumber(known[5]), tonumber(known[6]),
  known[7], redis.call('GET', K.bits) or '', redis.call('GET', K.states) or '', unpack(draw),
}
