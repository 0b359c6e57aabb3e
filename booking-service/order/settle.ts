import type { Log } from '#shared/log.ts';
import type { Db } from '../db/client.ts';
import type { PaymentProvider } from '../payment/provider.ts';
import { confirmOrder, type Ended, failOrder, type Owed, settleOrder } from './end.ts';

/** What ends orders: the database that decides, the provider that follows. */
export type Till = { db: Db; payments: PaymentProvider; log: Log };

/** `none` and `unknown` are to be kept from ever coming; `unknown`: it could not be found out, and nobody tries any more. */
export type PaymentOutcome = 'authorised' | 'declined' | 'none' | 'unknown';

/**
 * Ends an order by what became of its payment.
 *
 * The database decides first, under the order's lock, and the provider follows: two attempts that know different things
 * still end one way, and what the provider could not be told stays owed until the worker has told it. `onEnded` hears how it
 * ended before the provider does.
 */
export async function settle(
  till: Till,
  order: { id: string; seats: number },
  payment: PaymentOutcome,
  onEnded: (ended: Ended) => void = () => undefined,
): Promise<Ended> {
  const { db, log } = till;
  const ended =
    payment === 'authorised'
      ? await confirmOrder(db, order.id, order.seats)
      : await failOrder(db, order.id, {
          failure: payment === 'unknown' ? 'unavailable' : 'payment-declined',
          owed: payment === 'declined' ? 'settled' : 'cancelDue',
        });
  onEnded(ended);
  const owed = owedAfter(ended, payment);
  try {
    if (owed) await payOff(till, order.id, owed);
  } catch (error) {
    log.warn({ err: error, order: order.id }, 'the payment provider could not be told; the worker will');
  }
  return ended;
}

function owedAfter(ended: Ended, payment: PaymentOutcome): Owed | null {
  if (ended.state === 'confirmed') return 'captureDue';
  return ended.state === 'failed' && payment !== 'declined' ? 'cancelDue' : null;
}

/** Tells the provider what is owed to it. Throws when it could not be told. */
export async function payOff(
  { db, payments }: Pick<Till, 'db' | 'payments'>,
  order: string,
  owed: Owed,
): Promise<void> {
  if (owed === 'captureDue') await payments.capture(order);
  else if (owed === 'cancelDue') await payments.cancel(order);
  else await giveBack(payments, order);
  await settleOrder(db, order, owed);
}

/**
 * Undoes a payment as far as it went. One that was not captured yet is cancelled, and a capture that is still on its way
 * is refused from then on; if it was faster, cancelling throws, and the next attempt finds something to refund.
 */
async function giveBack(payments: PaymentProvider, order: string): Promise<void> {
  const state = await payments.lookUp(order);
  if (state === 'captured') await payments.refund(order);
  else if (state === 'authorised') await payments.cancel(order);
}
