import type { Payment } from '../payment/provider.ts';
import type { Ended } from './end.ts';
import { settle, type Till } from './settle.ts';

/** An order that was begun, as far as paying it goes. */
export type BegunOrder = Payment & {
  seats: number;
  paymentToken: string;
  /** An earlier attempt may have come as far as the provider, which is asked before anything else. */
  wasTried: boolean;
};

/**
 * The second half of every order, whoever waits for it: authorise, confirm, capture. Resolves to how it ended, or to null
 * when that is not known: the order is then to be tried again. Never throws.
 */
export async function pay(till: Till, order: BegunOrder): Promise<Ended | null> {
  try {
    const known = order.wasTried ? await outcomeOf(till, order.order) : 'none';
    const outcome = known === 'none' ? await authorise(till, order) : known;
    if (outcome !== 'unknown') return await settle(till, { id: order.order, seats: order.seats }, outcome);
  } catch (error) {
    // Whether it was confirmed is as unknown as if the answer of the provider had been lost.
    till.log.warn({ err: error, order: order.order }, 'an order is left to be settled later');
  }
  return null;
}

async function authorise(
  { payments, log }: Till,
  { order, amount, currency, paymentToken }: BegunOrder,
): Promise<'authorised' | 'declined' | 'unknown'> {
  try {
    return await payments.authorise({ order, amount, currency }, paymentToken);
  } catch (error) {
    log.warn({ err: error, order }, 'the outcome of a payment is unknown');
    return 'unknown';
  }
}

/** What the provider says became of a payment that was perhaps authorised; `none` when it never heard of it. */
export async function outcomeOf(
  { payments }: Pick<Till, 'payments'>,
  order: string,
): Promise<'authorised' | 'declined' | 'none'> {
  const state = await payments.lookUp(order);
  if (state === 'authorised' || state === 'captured') return 'authorised';
  return state === 'none' ? 'none' : 'declined';
}
