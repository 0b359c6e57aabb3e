import { Problem } from '#shared/problem.ts';
import type { Payment } from '../payment/provider.ts';
import { type Begun, beginOrder, type OrderAttempt } from './begin.ts';
import type { Ended } from './end.ts';
import { lapseLease } from './lease.ts';
import { settle, type Till } from './settle.ts';

/**
 * Carries one order to its end: begin, authorise, confirm, capture. Returns the id of a confirmed order, which may be
 * one that the same key had confirmed before; throws the problem in every other case.
 */
export async function placeOrder(till: Till, attempt: OrderAttempt, paymentToken: string): Promise<string> {
  const begun = await beginOrder(till.db, attempt);
  const { order } = begun;
  if (order === null) throw refusal(begun.outcome, attempt);
  switch (begun.outcome) {
    case 'begun':
    case 'taken-over':
      break;
    case 'confirmed':
    case 'refunded':
      return order;
    case 'failed':
      throw failureProblem(begun.failure, order);
    default:
      throw refusal(begun.outcome, attempt, order);
  }

  const payment = { order, amount: begun.amount, currency: begun.currency };
  const ended = await pay(till, payment, { seats: begun.seats, outcome: begun.outcome, paymentToken });
  if (ended.state === 'failed') throw failureProblem(ended.failure, order);
  return order;
}

async function pay(
  till: Till,
  payment: Payment,
  attempt: { seats: number; outcome: Begun['outcome']; paymentToken: string },
): Promise<Ended> {
  const { db, log } = till;
  try {
    const known = attempt.outcome === 'taken-over' ? await outcomeOf(till, payment.order) : 'none';
    const outcome = known === 'none' ? await authorise(till, payment, attempt.paymentToken) : known;
    if (outcome !== 'unknown')
      return await settle(till, { id: payment.order, seats: attempt.seats }, outcome);
  } catch (error) {
    // Whether it was confirmed is as unknown as if the answer of the provider had been lost.
    log.warn({ err: error, order: payment.order }, 'an order is left for the worker to settle');
  }
  await lapseLease(db, payment.order);
  throw inProgress(payment.order);
}

async function authorise(
  { payments, log }: Till,
  payment: Payment,
  token: string,
): Promise<'authorised' | 'declined' | 'unknown'> {
  try {
    return await payments.authorise(payment, token);
  } catch (error) {
    log.warn({ err: error, order: payment.order }, 'the outcome of a payment is unknown');
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

const inProgress = (order?: string): Problem =>
  new Problem('in-progress', 'The order is being worked on. Ask again in a moment.', {
    extra: order === undefined ? {} : { order },
    retryAfterSeconds: 1,
  });

function failureProblem(failure: string | null, order: string): Problem {
  const extra = { order };
  return failure === 'hold-lost'
    ? new Problem('hold-lost', 'The seats went to somebody else; nothing was charged.', { extra })
    : new Problem('payment-declined', 'Nothing was charged. Try again with a new Idempotency-Key.', {
        extra,
      });
}

function refusal(outcome: Begun['outcome'], attempt: OrderAttempt, order?: string): Problem {
  switch (outcome) {
    case 'in-progress':
      return inProgress(order);
    case 'mismatch':
      return new Problem(
        'idempotency-mismatch',
        'This Idempotency-Key belongs to an order with another body.',
      );
    case 'finished':
      return new Problem('already-finished', 'This admission is finished; it books nothing new.');
    case 'fan-limit':
      return new Problem('limit-reached', `Each fan may have ${attempt.seatsPerFan} seats in all.`);
    case 'buyer-limit':
      return new Problem(
        'limit-reached',
        `Each e-mail address may have ${attempt.seatsPerFan} seats of this event in all.`,
      );
    case 'attempts-limit':
      return new Problem('limit-reached', 'Too many payments have failed in this admission.');
    default:
      return new Problem('hold-lost', 'There is no such hold of yours any more.');
  }
}
