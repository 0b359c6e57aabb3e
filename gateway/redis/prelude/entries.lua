-- What stands in for the owner of a number whom nobody has remembered since a loss (gateway/recovery/restore.lua).
local function standInOf(number) return '~' .. string.format('%d', number) end
local function isStandIn(id) return string.byte(id) == 126 end

-- Entries are recorded here from the moment they stop merely waiting.
local function writeEntry(id, entry)
  if entry.number then writeState(entry.number, entry.state) end
  redis.call('HSET', K.entries, id, cjson.encode(entry))
end

-- A turn that was just given is recorded as its queue number alone, for a call gives hundreds of them: when it has to be
-- claimed by is its score in `ready`.
local function unpackEntry(id, packed)
  local number = tonumber(packed)
  if not number then return cjson.decode(packed) end
  return { state = 'ready', number = number, claimBy = tonumber(redis.call('ZSCORE', K.ready, id)) }
end

local function readEntry(id)
  local packed = redis.call('HGET', K.entries, id)
  if packed then return unpackEntry(id, packed) end
  local number = redis.call('ZSCORE', K.waiting, id)
  if number then return { state = 'waiting', number = tonumber(number) } end
  if redis.call('ZSCORE', K.lobby, id) then return { state = 'lobby' } end
  -- Frozen, and the draw has not written this entry's number down yet.
  if redis.call('ZSCORE', K.frozen, id) then return { state = 'lobby' } end
  return nil
end

-- What the gateway needs to show an entry: the same list from every script that answers with one.
local function describe(id, entry)
  return {
    'entry', id, entry.state, entry.number or 0, entry.claimBy or 0, entry.expiresAt or 0, entry.returning and 1 or 0,
    entry.jti or '', entry.kid or '', entry.iat or 0, entry.exp or 0,
    tonumber(redis.call('HGET', K.queue, 'changes') or 0),
  }
end
