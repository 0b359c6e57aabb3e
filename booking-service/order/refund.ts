import { newId } from '#shared/ids.ts';
import type { Act } from '../audit/act.ts';
import type { Db } from '../db/client.ts';
import type { StoredOrder } from './read-orders.ts';

/**
 * Ends a confirmed order: its tickets admit nobody any more, its seats are open, and the worker gives the money back and
 * tells the fan. Done again it changes nothing. Resolves to the state the order was found in, null when there is none:
 * `confirmed` and `refunded` mean that it is refunded now.
 */
export async function refundOrder(db: Db, order: string, act: Act): Promise<StoredOrder['state'] | null> {
  const { found } = await db.callOne<{ found: StoredOrder['state'] | null }>(
    (sql) => sql`
      select refund_order(${order}, ${act.audit}, ${newId()}, ${act.by}, ${act.reason}) as found`,
  );
  return found;
}
