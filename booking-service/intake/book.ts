import { newId } from '#shared/ids.ts';
import { counter } from '#shared/metrics/registry.ts';
import { pay } from '../order/pay.ts';
import { settle, type Till } from '../order/settle.ts';
import { claimWaitingOrder, postponeOrder } from '../order/waiting.ts';
import { type Patience, retryAfterMs } from '../outbox/deliver.ts';

const booked = counter(
  'admit_one_waiting_orders_total',
  'Orders that nobody waits for, by what an attempt came to; again: there will be another.',
  ['outcome'],
);

/**
 * When an attempt whose outcome stayed unknown is followed by another: for about two minutes in all, and three when the
 * provider takes its time to say nothing. A hold that is being paid lives for five.
 */
export const bookingPatience: Patience = { firstRetryMs: 1_000, retryMsMax: 60_000, attemptsMax: 8 };

/**
 * Works on an order that nobody waits for: authorises, confirms, captures, or finds out what an earlier attempt came to.
 * After the last attempt it fails, and whatever was authorised is cancelled. Any number of workers may try at once: one
 * has it. Resolves to how many milliseconds from now it is to be tried again, null when it is over.
 */
export async function bookWaitingOrder(
  till: Till,
  order: string,
  patience = bookingPatience,
): Promise<number | null> {
  const attempt = newId();
  const claim = await claimWaitingOrder(till.db, order, attempt);
  if (claim.outcome === 'over') return null;
  if (claim.outcome === 'busy') return claim.waitMs;

  const { attempts, seats } = claim;
  // Only attempts that were killed lead beyond the last one: perhaps by this very order.
  const ended =
    attempts > patience.attemptsMax ? null : await pay(till, { ...claim, order, wasTried: attempts > 1 });
  if (ended !== null) {
    booked.count(ended.state);
    till.log.info({ order, state: ended.state, attempts }, 'an order was worked on');
    return null;
  }
  const retryMs = retryAfterMs(attempts, patience);
  if (retryMs === null) {
    booked.count('given-up');
    till.log.warn({ order, attempts }, 'an order was given up');
    await settle(till, { id: order, seats }, 'unknown');
    return null;
  }
  booked.count('again');
  await postponeOrder(till.db, order, attempt, retryMs);
  return retryMs;
}
