import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '#shared/problem.ts';
import { type AnswerTime, createAnswerTime } from './answer-time.ts';
import { type Begun, beginOrder, type OrderAttempt } from './begin.ts';
import { lapseLease } from './lease.ts';
import { pay } from './pay.ts';
import type { Till } from './settle.ts';

/** How long a fan waits for the word that the order may be taken over. */
const LAPSE_MS_MAX = 200;

/**
 * Carries one order to its end: begin, authorise, confirm, capture. Returns the id of a confirmed order, which may be
 * one that the same key had confirmed before; throws the problem in every other case.
 */
export async function placeOrder(till: Till, attempt: OrderAttempt, answerTime: AnswerTime): Promise<string> {
  const begun = await beginOrder(till.db, attempt, { deadlineMs: answerTime.beginUntilMs() });
  const known = endedBefore(begun, attempt);
  if (known !== null) return known;
  const order = begun.order as string;
  if (begun.outcome !== 'begun' && begun.outcome !== 'taken-over')
    throw refusal(begun.outcome, attempt, order);

  const { seats, amount, currency } = begun;
  const paymentToken = attempt.request.payment.token;
  const wasTried = begun.outcome === 'taken-over';
  const ended = await pay(till, { order, amount, currency, seats, paymentToken, wasTried }, answerTime);
  if (ended === null) {
    // The fan has waited for long enough: where it cannot be written down quickly, the lease lapses by itself.
    const lapsed = lapseLease(till.db, order, wasTried ? attempt.order : null).catch((error) => {
      till.log.warn({ err: error, order }, 'an order keeps its lease');
    });
    const leftMs = Math.max(0, answerTime.untilMs() - performance.now());
    await Promise.race([lapsed, delay(Math.min(LAPSE_MS_MAX, leftMs))]);
    throw inProgress(order);
  }
  if (ended.state === 'failed') throw failureProblem(ended.failure, order);
  return order;
}

/** An order that is in the books. `isNew`: the worker has not been told of it. */
export type TakenOrder = { order: string; state: 'confirmed' | 'inProgress'; isNew: boolean };

/**
 * The first half only: begins the order and leaves the second to the worker. Throws the same problems as placeOrder,
 * and `unavailable` when the worker has more before it than it may; an order that is in the books already is no further one.
 */
export async function takeOrder(
  till: Till,
  attempt: OrderAttempt,
  isFull: boolean,
  answerTime = createAnswerTime(),
): Promise<TakenOrder> {
  const begun = await beginOrder(till.db, attempt, { deadlineMs: answerTime.beginUntilMs() }, { isFull });
  const known = endedBefore(begun, attempt);
  if (known !== null) return { order: known, state: 'confirmed', isNew: false };
  // A request that waits works on it, with its own card: nothing was left to the worker, so nothing may be promised.
  if (begun.outcome === 'in-progress') throw refusal(begun.outcome, attempt, begun.order as string);
  const isNew = begun.outcome === 'begun' || begun.outcome === 'taken-over';
  return { order: begun.order as string, state: 'inProgress', isNew };
}

/** The id of an order that was confirmed before, null for one that is in progress; a refusal is thrown. */
function endedBefore({ order, outcome, failure }: Begun, attempt: OrderAttempt): string | null {
  if (order === null || outcome === 'mismatch') throw refusal(outcome, attempt);
  if (outcome === 'failed') throw failureProblem(failure, order);
  return outcome === 'confirmed' || outcome === 'refunded' ? order : null;
}

const ASK_AGAIN_SECONDS = 1;
/** By then a worker has booked a good part of a full queue. */
const FULL_RETRY_SECONDS = 5;

/** It is bought, and there is no time left to read the tickets: the same key tells it whole. */
export const confirmedUnread = (order: string, location: string): Problem =>
  new Problem('in-progress', 'The order is confirmed. Its tickets can be had at its location in a moment.', {
    extra: { order, location },
    retryAfterSeconds: ASK_AGAIN_SECONDS,
  });

const inProgress = (order?: string): Problem =>
  new Problem('in-progress', 'The order is being worked on. Ask again in a moment.', {
    extra: order === undefined ? {} : { order },
    retryAfterSeconds: ASK_AGAIN_SECONDS,
  });

function failureProblem(failure: string | null, order: string): Problem {
  const extra = { order };
  if (failure === 'hold-lost')
    return new Problem('hold-lost', 'The seats went to somebody else; nothing was charged.', { extra });
  const why = failure === 'unavailable' ? 'The payment provider could not be reached. ' : '';
  const again = 'Nothing was charged. Try again with a new Idempotency-Key.';
  return new Problem('payment-declined', `${why}${again}`, { extra });
}

function refusal(outcome: Begun['outcome'], attempt: OrderAttempt, order?: string): Problem {
  switch (outcome) {
    case 'in-progress':
      return inProgress(order);
    case 'waiting':
      return new Problem(
        'in-progress',
        'The order waits to be booked. What becomes of it, its location tells.',
        {
          extra: { order, location: `/api/sales/${attempt.sale}/orders/${order}` },
          retryAfterSeconds: ASK_AGAIN_SECONDS,
        },
      );
    case 'full':
      return new Problem('unavailable', 'More orders wait than can be booked soon. Please try again.', {
        retryAfterSeconds: FULL_RETRY_SECONDS,
      });
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
