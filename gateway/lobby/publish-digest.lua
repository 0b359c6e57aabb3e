-- Publishes what the lobby was when it was frozen, before anything that decides the order can be known: from then on the
-- draw goes on at once, or waits for the beacon that was named.
--
-- ARGV[2]  the digest, in hex
--
-- the draw's state from now on
local DRAWN_AGAIN = 'The lobby was closed once more, after a loss of data, when the value was known already.'
local draw = redis.call('HMGET', K.draw, 'state', 'digest', 'beaconSource', 'lobbyMissing')
if draw[1] ~= 'frozen' or draw[4] then return draw[1] or 'none' end
local state = (draw[3] or '') == '' and 'drawing' or 'awaitingBeacon'
-- A draw that was lost with Redis and is held again: its beacon is given already, and cannot be given otherwise. A value
-- that was known before this digest is published would prove nothing, and the draw must not seem to be proven by it.
local given = redis.call('HGET', K.sale, 'beaconGiven') or ''
if state == 'awaitingBeacon' and given ~= '' then
  state = 'drawing'
  mixIn({ without = cjson.decode(given).without or DRAWN_AGAIN })
end
redis.call('HSET', K.draw, 'digest', ARGV[2], 'digestAt', now, 'state', state, 'workedAt', now)
changed()
return state
