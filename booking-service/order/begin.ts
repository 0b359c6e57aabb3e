import type { OrderRequest } from '#shared/contract/booking.ts';
import type { Fan } from '../caller/fan.ts';
import type { Db } from '../db/client.ts';
import { type Asking, inOneCall } from '../db/in-one-call.ts';
import { ORDER_LEASE_MS } from './lease.ts';

export type OrderAttempt = {
  order: string;
  sale: string;
  event: string;
  fan: string;
  admission: string;
  token: Fan['token'];
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

type Beginning = { attempt: OrderAttempt; forWorker: ForWorker | undefined };

/** How long this attempt may work on it; the worker's own orders are free at once. */
const leaseMs = ({ forWorker }: Beginning): number => (forWorker ? 0 : ORDER_LEASE_MS);
const tokenFor = ({ attempt, forWorker }: Beginning): string | null =>
  forWorker ? attempt.request.payment.token : null;

const beginAlone = (db: Db, beginning: Beginning, withinMs?: number): Promise<Begun> => {
  const { attempt, forWorker } = beginning;
  return db.callOne<Begun>(
    (sql) => sql`
      select outcome, ticket_order as "order", seats, amount, currency, failure
      from begin_order(${attempt.order}, ${attempt.sale}, ${attempt.event}, ${attempt.fan}, ${attempt.admission},
        ${attempt.idempotencyKey}, ${attempt.requestDigest}, ${attempt.request.hold},
        ${attempt.request.buyer.name}, ${attempt.request.buyer.email}, ${attempt.emailKey}, ${attempt.currency},
        ${attempt.mayBegin}, ${leaseMs(beginning)}, ${attempt.paymentMs}, ${attempt.seatsPerFan},
        ${forWorker !== undefined}, ${tokenFor(beginning)}, ${forWorker?.isFull ?? false},
        ${attempt.token.number ?? null}, ${attempt.token.iat})`,
    withinMs,
  );
};

async function beginTogether(db: Db, beginnings: readonly Beginning[]): Promise<(Begun | null)[]> {
  const column = <Value>(of: (attempt: OrderAttempt) => Value) =>
    beginnings.map(({ attempt }) => of(attempt));
  const rows = await db.call<Begun | { outcome: null }>(
    (sql) => sql`
      select outcome, ticket_order as "order", seats, amount, currency, failure
      from begin_orders(${column(({ order }) => order)}::text[], ${column(({ sale }) => sale)}::text[],
        ${column(({ event }) => event)}::text[], ${column(({ fan }) => fan)}::text[],
        ${column(({ admission }) => admission)}::text[], ${column((attempt) => attempt.idempotencyKey)}::text[],
        ${column((attempt) => attempt.requestDigest)}::text[], ${column(({ request }) => request.hold)}::text[],
        ${column(({ request }) => request.buyer.name)}::text[],
        ${column(({ request }) => request.buyer.email)}::text[],
        ${column((attempt) => attempt.emailKey)}::text[], ${column(({ currency }) => currency)}::text[],
        ${column(({ mayBegin }) => Number(mayBegin))}::int[]::bool[], ${beginnings.map(leaseMs)}::float8[],
        ${column(({ paymentMs }) => paymentMs)}::float8[], ${column(({ seatsPerFan }) => seatsPerFan)}::int[],
        ${beginnings.map(({ forWorker }) => Number(forWorker !== undefined))}::int[]::bool[],
        ${beginnings.map(tokenFor) as string[]}::text[],
        ${beginnings.map(({ forWorker }) => Number(forWorker?.isFull ?? false))}::int[]::bool[],
        ${column(({ token }) => token.number ?? null) as number[]}::float8[],
        ${column(({ token }) => token.iat)}::float8[])`,
  );
  return rows.map((row) => (row.outcome === null ? null : row));
}

const begin = inOneCall<Beginning, Begun>({
  what: 'begin-orders',
  together: beginTogether,
  alone: beginAlone,
  apart: ({ attempt }) => [
    `fan ${attempt.sale} ${attempt.fan}`,
    `buyer ${attempt.event} ${attempt.emailKey}`,
  ],
});

/**
 * Claims the idempotency key and sets the hold to paying. `forWorker`: nobody works on it yet, so that it has no lease, and
 * the payment's token is kept for the worker.
 */
export const beginOrder = (
  db: Db,
  attempt: OrderAttempt,
  asking?: Asking,
  forWorker?: ForWorker,
): Promise<Begun> => begin.do(db, { attempt, forWorker }, asking);
