import type { OrderRequest } from '#shared/contract/booking.ts';
import type { Db } from '../db/client.ts';
import { ORDER_LEASE_MS } from './lease.ts';

export type OrderAttempt = {
  order: string;
  sale: string;
  event: string;
  fan: string;
  admission: string;
  idempotencyKey: string;
  requestDigest: string;
  request: OrderRequest;
  emailKey: string;
  currency: string;
  mayBegin: boolean;
  /** How long from now the hold lives at least, once its payment has started. */
  paymentMs: number;
  seatsPerFan: number;
};

/** That an order is the worker's, which may have no room for one more. */
export type ForWorker = { isFull: boolean };

export type Begun = {
  outcome:
    | 'begun'
    | 'taken-over'
    | 'in-progress'
    | 'waiting'
    | 'confirmed'
    | 'refunded'
    | 'failed'
    | 'mismatch'
    | 'finished'
    | 'full'
    | 'hold-lost'
    | 'fan-limit'
    | 'buyer-limit'
    | 'attempts-limit';
  /** The order that the key belongs to, null when nothing was written. */
  order: string | null;
  seats: number;
  amount: number;
  currency: string;
  failure: string | null;
};

/**
 * Claims the idempotency key and sets the hold to paying. `forWorker`: nobody works on it yet, so that it has no lease, and
 * the payment's token is kept for the worker.
 */
export const beginOrder = (db: Db, attempt: OrderAttempt, forWorker?: ForWorker): Promise<Begun> =>
  db.callOne<Begun>(
    (sql) => sql`
      select outcome, ticket_order as "order", seats, amount, currency, failure
      from begin_order(${attempt.order}, ${attempt.sale}, ${attempt.event}, ${attempt.fan}, ${attempt.admission},
        ${attempt.idempotencyKey}, ${attempt.requestDigest}, ${attempt.request.hold},
        ${attempt.request.buyer.name}, ${attempt.request.buyer.email}, ${attempt.emailKey}, ${attempt.currency},
        ${attempt.mayBegin}, ${forWorker ? 0 : ORDER_LEASE_MS}, ${attempt.paymentMs}, ${attempt.seatsPerFan},
        ${forWorker !== undefined}, ${forWorker ? attempt.request.payment.token : null},
        ${forWorker?.isFull ?? false})`,
  );
