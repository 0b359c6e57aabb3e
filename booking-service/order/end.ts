import { newId, newSecretId } from '#shared/ids.ts';
import type { Db } from '../db/client.ts';
import { inOneCall } from '../db/in-one-call.ts';
import type { OutboxKind } from '../outbox/messages.ts';

/** What an attempt that ends may leave to the worker, and from when on. */
const SETTLE_AFTER_MS = 2_000;

export type Ended = { state: 'confirmed' | 'failed' | 'refunded'; failure: string | null };

/** What an order that is confirmed is given: a code a seat, and a message of each kind. */
type Confirmation = { order: string; codes: string[]; messages: string[] };
const MESSAGE_KINDS: OutboxKind[] = ['order-confirmed-mail', 'admission-finished'];

const confirmAlone = (
  db: Db,
  { order, codes, messages }: Confirmation,
  withinMs?: number,
): Promise<Ended> => {
  const ofKinds = MESSAGE_KINDS.map((kind, index) => ({ id: messages[index] as string, kind }));
  return db.callOne<Ended>(
    (sql) => sql`
      select state, failure from confirm_order(${order}, ${codes}::text[], ${sql.json(ofKinds)}, ${SETTLE_AFTER_MS})`,
    withinMs,
  );
};

/** Ids need no quotes. */
const asArray = (ids: readonly string[]): string => `{${ids.join(',')}}`;

async function confirmTogether(db: Db, given: readonly Confirmation[]): Promise<(Ended | null)[]> {
  const rows = await db.call<Ended | { state: null }>(
    (sql) => sql`
      select state, failure from confirm_orders(${given.map(({ order }) => order)}::text[],
        ${given.map(({ codes }) => asArray(codes))}::text[], ${MESSAGE_KINDS}::text[],
        ${given.map(({ messages }) => asArray(messages))}::text[], ${SETTLE_AFTER_MS})`,
  );
  return rows.map((row) => (row.state === null ? null : row));
}

const confirm = inOneCall<Confirmation, Ended>({
  what: 'confirm-orders',
  together: confirmTogether,
  alone: confirmAlone,
  apart: ({ order }) => [order],
});

/** Sells the seats of an authorised order, or fails it when somebody else has them. Said again, it tells how it ended. */
export const confirmOrder = (db: Db, order: string, seats: number): Promise<Ended> =>
  confirm.do(db, {
    order,
    codes: Array.from({ length: seats }, newSecretId),
    messages: MESSAGE_KINDS.map(() => newId()),
  });

/** Gives the hold back to the fan. `owed` is what the provider must still be told. */
export const failOrder = (
  db: Db,
  order: string,
  { failure, owed }: { failure: 'payment-declined' | 'unavailable'; owed: 'settled' | 'cancelDue' },
): Promise<Ended> =>
  db.callOne<Ended>(
    (sql) => sql`select state, failure from fail_order(${order}, ${failure}, ${owed}, ${SETTLE_AFTER_MS})`,
  );

/**
 * What may be owed to the provider once an order has ended. A refund is told by a message of the outbox, and so is whatever
 * the attempt that ended the order could not tell.
 */
export type Owed = 'captureDue' | 'cancelDue' | 'refundDue';

/** What is owed of an order's payment at this moment. */
export async function readOwed(db: Db, order: string): Promise<'unknown' | 'settled' | Owed> {
  const { payment } = await db.callOne<{ payment: 'unknown' | 'settled' | Owed }>(
    (sql) => sql`select payment from ticket_order where id = ${order}`,
  );
  return payment;
}

type Settlement = { order: string; owed: Owed };

const settleAlone = async (db: Db, { order, owed }: Settlement, withinMs?: number): Promise<true> => {
  await db.call(
    (sql) => sql`update ticket_order set payment = 'settled' where id = ${order} and payment = ${owed}`,
    withinMs,
  );
  return true;
};

async function settleTogether(db: Db, settlements: readonly Settlement[]): Promise<(true | null)[]> {
  const settled = await db.call<{ order: string }>(
    (sql) => sql`
      select settled as "order"
      from settle_orders(${settlements.map(({ order }) => order)}::text[],
        ${settlements.map(({ owed }) => owed)}::text[]) as settled`,
  );
  const orders = new Set(settled.map(({ order }) => order));
  return settlements.map(({ order }) => orders.has(order) || null);
}

const settlement = inOneCall<Settlement, true>({
  what: 'settle-orders',
  together: settleTogether,
  alone: settleAlone,
  apart: ({ order }) => [order],
});

/** The provider was told what was owed to it. Something else may be owed by now: a refund, by whoever captured late. */
export async function settleOrder(db: Db, order: string, owed: Owed): Promise<void> {
  await settlement.do(db, { order, owed });
}
