-- Puts a change of settings into effect before it is durable: the shop is protected even while PostgreSQL is away. The
-- change waits in a list until the booking service has recorded it. Only a draw waits for that with its beacon.
--
-- ARGV[2]  the version the change was made from
-- ARGV[3]  the definition from now on, as JSON
-- ARGV[4]  the change as JSON
-- ARGV[5]  '1' when the change opens a sold-out sale again
-- ARGV[6]  a new seed and
-- ARGV[7]  its SHA-256, as for put-sale
-- ARGV[8…] field, value, …: the settings the scripts read
--
-- {'no-sale'} | {'version-conflict', version} | {'sale-ended'} | {'too-late', field} | {'too-early', field}
-- | {'beacon-too-late'} | {'changed', version}
local known = redis.call('HGET', K.sale, 'version')
if not known then return { 'no-sale' } end
if known ~= ARGV[2] then return { 'version-conflict', tonumber(known) } end

-- What has begun cannot be made not to have begun: queue numbers are given, or a lobby is waiting for its draw. The check
-- stands here because a change can race the very moment of opening.
local before = loadSale()
local after, texts = {}, {}
for i = 8, #ARGV, 2 do after[ARGV[i]], texts[ARGV[i]] = tonumber(ARGV[i + 1]), ARGV[i + 1] end
local ended = stateOf(before) == 'closed'
if ended and (after.closesAt ~= before.closesAt or after.closedAt ~= before.closedAt) then return { 'sale-ended' } end
local opened = now >= before.opensAt
if opened and after.opensAt ~= before.opensAt then return { 'too-late', 'opensAt' } end
local lobbyOpened = before.lobbyOpensAt > 0 and now >= before.lobbyOpensAt
if (opened or lobbyOpened) and after.lobbyOpensAt ~= before.lobbyOpensAt then return { 'too-late', 'lobbyOpensAt' } end

-- The beacon is named before anybody enters, and becomes known, once, after the lobby is frozen and its digest published.
local beacon = redis.call('HMGET', K.sale, 'beacon', 'beaconFrom', 'beaconGiven')
if (opened or lobbyOpened) and texts.beacon ~= (beacon[1] or '') then return { 'too-late', 'beacon' } end
local isBeaconGiven = texts.beaconGiven ~= (beacon[3] or '')
if isBeaconGiven then
  if (beacon[3] or '') ~= '' then return { 'too-late', 'beacon' } end
  if redis.call('HGET', K.draw, 'state') ~= 'awaitingBeacon' then return { 'too-early', 'beacon' } end
  local given = cjson.decode(texts.beaconGiven)
  local from = tonumber(beacon[2])
  if given.value and now < from then return { 'too-early', 'beacon' } end
  -- Whoever knew the value could still have chosen who is in the lobby: it would prove nothing.
  local digestAt = tonumber(redis.call('HGET', K.draw, 'digestAt') or now)
  if given.value and digestAt >= from then return { 'beacon-too-late' } end
end

mayDrain()
local version = tonumber(known) + 1
redis.call('HSET', K.sale, 'version', version, 'definition', ARGV[3])
putIntoEffect(8)
if ARGV[5] == '1' then redis.call('HSET', K.sale, 'soldOut', '0') end
redis.call('RPUSH', K.unsaved, ARGV[4])
-- The draw goes on with it when it is durable (mark-saved.lua).
if isBeaconGiven then redis.call('HSET', K.sale, 'beaconVersion', version) end
local sale = loadSale()
if sale.lobbyOpensAt > 0 and now < sale.opensAt and redis.call('HSETNX', K.draw, 'state', 'committed') == 1 then
  redis.call('HSET', K.draw, 'seed', ARGV[6], 'commitment', ARGV[7])
end
return { 'changed', version }
