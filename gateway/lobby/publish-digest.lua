-- Publishes what the lobby was when it was frozen, before anything that decides the order can be known: from then on the
-- draw goes on at once, or waits for the beacon that was named.
--
-- ARGV[2]  the digest, in hex
--
-- the draw's state from now on
local draw = redis.call('HMGET', K.draw, 'state', 'digest', 'beaconSource', 'withoutBeacon')
if draw[1] ~= 'frozen' or draw[2] then return draw[1] or 'none' end
local state = 'drawing'
if (draw[3] or '') ~= '' and not draw[4] then
  -- While places are being brought back somebody may remember a digest from before the value could be known.
  if isRecovering() and now >= tonumber(redis.call('HGET', K.sale, 'beaconFrom') or 0) then return draw[1] end
  state = 'awaitingBeacon'
end
redis.call('HSET', K.draw, 'digest', ARGV[2], 'digestAt', now, 'state', state, 'workedAt', now)
changed()
-- A draw that was lost with Redis and is held again: its beacon is given already, and cannot be given otherwise.
takeGivenBeacon()
return redis.call('HGET', K.draw, 'state')
