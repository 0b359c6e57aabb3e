import type { Db } from '../db/client.ts';

export type OutboxKind =
  | 'order-confirmed-mail'
  | 'order-failed-mail'
  | 'order-refunded-mail'
  | 'payment-capture'
  | 'payment-cancellation'
  | 'payment-refund'
  | 'admission-finished';

/** A fact that was committed with its order and is to be told to somebody, at least once. */
export type OutboxMessage = { id: string; kind: OutboxKind; order: string; attempts: number };

/** Takes the message that has been due longest; it is due again when the lease ends before it was heard of. */
export async function claimMessage(
  db: Db,
  kind: OutboxKind,
  leaseMs: number,
): Promise<OutboxMessage | undefined> {
  const [message] = await db.call<OutboxMessage>(
    (sql) => sql`
      select id, kind, ticket_order as "order", attempts from claim_outbox_message(${kind}, ${leaseMs})`,
  );
  return message;
}

/** Keeps a message for its deliverer for another length of the lease. */
export async function renewLease(db: Db, id: string, leaseMs: number): Promise<void> {
  await db.call(
    (sql) => sql`
      update outbox_message set due_at = add_milliseconds(${leaseMs}) where id = ${id} and state = 'due'`,
  );
}

export async function markSent(db: Db, id: string): Promise<void> {
  await db.call((sql) => sql`update outbox_message set state = 'sent', last_error = null where id = ${id}`);
}

/** Puts a message back for `retryMs` from now, or, without that, among the dead, where the organiser sees it. */
export async function markFailed(
  db: Db,
  id: string,
  { error, retryMs }: { error: string; retryMs: number | null },
): Promise<void> {
  await db.call(
    (sql) => sql`
      update outbox_message
      set state = case when ${retryMs === null}::boolean then 'dead' else 'due' end,
        due_at = add_milliseconds(${retryMs ?? 0}),
        last_error = ${error}
      where id = ${id} and state = 'due'`,
  );
}
