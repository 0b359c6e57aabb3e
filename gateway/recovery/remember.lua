-- What a gateway remembers of a queue for the day Redis has lost it, all of one moment. Reads only.
--
-- ARGV[2]  the mark of what the caller has already, or empty
-- ARGV[3]  how many bytes of the log of access codes it has,
-- ARGV[4]  and of which epoch
--
-- {'no-sale'} | {'same'} | {mark, epoch, version, moves, run, moves when the run began, last number, eras, birth, longer
--   admissions that were given, waiting bits, states, from which byte on the log of codes follows, the log from there on, of a long one a part, name, value, …: the draw}
-- A gateway that begins reads a long log in parts, one a look.
local LOG_BYTES_PER_CALL = 512 * 1024
if not loadSale() then return { 'no-sale' } end
local names = { 'epoch', 'changes', 'moves', 'runId', 'runBeganAt', 'next', 'eras', 'birth' }
local known = redis.call('HMGET', K.queue, unpack(names))
local missing = { epoch = 1, runId = '', eras = '', birth = '' }
for i, name in ipairs(names) do known[i] = known[i] or missing[name] or 0 end
local draw = redis.call('HGETALL', K.draw)
local longer = redis.call('HGET', K.sale, 'longerAdmissions') or ''
local mark = table.concat(known, '|') .. '|' .. longer .. '|' .. table.concat(draw, '|')
local logged = redis.call('STRLEN', K.codeLog)
if mark .. '|' .. logged == ARGV[2] then return { 'same' } end
local from = tostring(known[1]) == ARGV[4] and math.min(logged, tonumber(ARGV[3])) or 0
local log = from < logged and redis.call('GETRANGE', K.codeLog, from, from + LOG_BYTES_PER_CALL - 1) or ''
return {
  mark .. '|' .. from + #log, tonumber(known[1]), tonumber(known[2]), tonumber(known[3]), known[4], tonumber(known[5]), tonumber(known[6]),
  known[7], known[8], longer, redis.call('GET', K.bits) or '', redis.call('GET', K.states) or '', from, log, unpack(draw),
}
