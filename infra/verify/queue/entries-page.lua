-- Some entries: what is recorded of each, and which sets it is in, at one moment. Reads only.
--
-- ARGV[2…] ids
--
-- JSON: for each id {record, waiting, ready, blocked, returning, admitted, lobby}: the record's JSON or false, the scores
-- or false, true or false. How an entry ended is told as the queue itself would: after a loss its number may say more than itself.
local answer = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local packed = redis.call('HGET', K.entries, id)
  local record = packed and unpackEntry(id, packed)
  if record then record.state = rememberedEnd(record) or record.state end
  answer[#answer + 1] = {
    record and cjson.encode(record), redis.call('ZSCORE', K.waiting, id), redis.call('ZSCORE', K.ready, id),
    redis.call('ZSCORE', K.blocked, id), redis.call('ZSCORE', K.returning, id), redis.call('ZSCORE', K.admitted, id),
    (redis.call('ZSCORE', K.lobby, id) or redis.call('ZSCORE', K.frozen, id)) and true,
  }
end
return cjson.encode(answer)
