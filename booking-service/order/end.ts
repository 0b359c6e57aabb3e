import { newId, newSecretId } from '#shared/ids.ts';
import type { Db } from '../db/client.ts';
import type { OutboxKind } from '../outbox/messages.ts';

/** What an attempt that ends may leave to the worker, and from when on. */
const SETTLE_AFTER_MS = 2_000;

export type Ended = { state: 'confirmed' | 'failed' | 'refunded'; failure: string | null };

/** Sells the seats of an authorised order, or fails it when somebody else has them. Said again, it tells how it ended. */
export const confirmOrder = (db: Db, order: string, seats: number): Promise<Ended> => {
  const codes = Array.from({ length: seats }, newSecretId);
  const kinds: OutboxKind[] = ['order-confirmed-mail', 'admission-finished'];
  const messages = kinds.map((kind) => ({ id: newId(), kind }));
  return db.callOne<Ended>(
    (sql) => sql`
      select state, failure from confirm_order(${order}, ${codes}::text[], ${sql.json(messages)}, ${SETTLE_AFTER_MS})`,
  );
};

/** Gives the hold back to the fan. `owed` is what the provider must still be told. */
export const failOrder = (
  db: Db,
  order: string,
  { failure, owed }: { failure: 'payment-declined' | 'unavailable'; owed: 'settled' | 'cancelDue' },
): Promise<Ended> =>
  db.callOne<Ended>(
    (sql) => sql`select state, failure from fail_order(${order}, ${failure}, ${owed}, ${SETTLE_AFTER_MS})`,
  );

/** What may be owed to the provider once an order has ended. */
export type Owed = 'captureDue' | 'cancelDue' | 'refundDue';

/** The provider was told what was owed to it. Something else may be owed by now: a refund, by whoever captured late. */
export async function settleOrder(db: Db, order: string, owed: Owed): Promise<void> {
  await db.call(
    (sql) => sql`update ticket_order set payment = 'settled' where id = ${order} and payment = ${owed}`,
  );
}
