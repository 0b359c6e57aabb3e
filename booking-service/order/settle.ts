import type { Log } from '#shared/log.ts';
import type { Db } from '../db/client.ts';
import type { PaymentProvider } from '../payment/provider.ts';
import { confirmOrder, type Ended, failOrder, settleOrder } from './end.ts';

/** What ends orders: the database that decides, the provider that follows. */
export type Till = { db: Db; payments: PaymentProvider; log: Log };

/**
 * Ends an order whose payment's outcome is known: authorised, declined, or none, which is to be kept from ever coming.
 *
 * The database decides first, under the order's lock, and the provider follows: two attempts that know different things
 * still end one way, and what the provider could not be told stays owed until the worker has told it.
 */
export async function settle(
  till: Till,
  order: { id: string; seats: number },
  payment: 'authorised' | 'declined' | 'none',
): Promise<Ended> {
  const { db, log } = till;
  const ended =
    payment === 'authorised'
      ? await confirmOrder(db, order.id, order.seats)
      : await failOrder(db, order.id, payment === 'none' ? 'cancelDue' : 'settled');
  const owed = owedAfter(ended, payment);
  try {
    if (owed) await payOff(till, order.id, owed);
  } catch (error) {
    log.warn({ err: error, order: order.id }, 'the payment provider could not be told; the worker will');
  }
  return ended;
}

function owedAfter(
  ended: Ended,
  payment: 'authorised' | 'declined' | 'none',
): 'captureDue' | 'cancelDue' | null {
  if (ended.state === 'confirmed') return 'captureDue';
  return ended.state === 'failed' && payment !== 'declined' ? 'cancelDue' : null;
}

/** Tells the provider what is owed to it. Throws when it could not be told. */
export async function payOff(
  { db, payments }: Pick<Till, 'db' | 'payments'>,
  order: string,
  owed: 'captureDue' | 'cancelDue',
): Promise<void> {
  await (owed === 'captureDue' ? payments.capture(order) : payments.cancel(order));
  await settleOrder(db, order);
}
