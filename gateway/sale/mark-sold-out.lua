-- Every seat is sold. It stays so, whatever is refunded later, until the organiser opens the sale again.
--
-- ARGV[2]  the sale version under which the stock was counted
--
-- 1 when this call made it so, else 0
local sale = loadSale()
if not sale or sale.soldOut or sale.version ~= tonumber(ARGV[2]) then return 0 end
mayDrain()
redis.call('HSET', K.sale, 'soldOut', '1')
changed()
return 1
