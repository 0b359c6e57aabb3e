import type { Payment } from '../payment/provider.ts';
import { type AnswerTime, withinAnswerTime } from './answer-time.ts';
import type { Ended } from './end.ts';
import { type PaymentOutcome, settle, type Till } from './settle.ts';

/** An order that was begun, as far as paying it goes. */
export type BegunOrder = Payment & {
  seats: number;
  paymentToken: string;
  /** An earlier attempt may have come as far as the provider, which is asked before anything else. */
  wasTried: boolean;
};

/**
 * The second half of every order, whoever waits for it: authorise, confirm, capture. Resolves to how it ended, or to null
 * when that is not known: the order is then to be tried again. With `answerTime` it resolves in time, to what is known by then,
 * and goes on. Never throws.
 */
export async function pay(till: Till, order: BegunOrder, answerTime?: AnswerTime): Promise<Ended | null> {
  try {
    const outcome = await wordOf(till, order, answerTime);
    if (outcome !== 'unknown') return await settleInTime(till, order, outcome, answerTime);
  } catch (error) {
    leftForLater(till, order, error);
  }
  return null;
}

/** What the provider says of the payment; how long that took is told to `answerTime`. */
async function wordOf(
  till: Till,
  order: BegunOrder,
  answerTime: AnswerTime | undefined,
): Promise<'authorised' | 'declined' | 'unknown'> {
  const askedMs = performance.now();
  let word: 'authorised' | 'declined' | 'unknown' = 'unknown';
  try {
    const known = order.wasTried ? await outcomeOf(till, order.order) : 'none';
    word = known === 'none' ? await authorise(till, order) : known;
    return word;
  } finally {
    answerTime?.goOn(performance.now() - askedMs, word !== 'unknown');
  }
}

async function settleInTime(
  till: Till,
  order: BegunOrder,
  outcome: PaymentOutcome,
  answerTime: AnswerTime | undefined,
): Promise<Ended | null> {
  let known: Ended | null = null;
  const settling = settle(till, { id: order.order, seats: order.seats }, outcome, (ended) => {
    known = ended;
  });
  if (!answerTime) return settling;
  let isLate = false;
  settling.catch((error) => {
    if (isLate) leftForLater(till, order, error);
  });
  return withinAnswerTime<Ended | null>(answerTime, settling, () => {
    isLate = true;
    return known;
  });
}

/** Whether it was confirmed is as unknown as if the answer of the provider had been lost. */
const leftForLater = ({ log }: Till, { order }: BegunOrder, error: unknown): void =>
  log.warn({ err: error, order }, 'an order is left to be settled later');

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
