import type { DeadLetter, DeadLettersAnswer, PageQuery } from '#shared/contract/organiser.ts';
import type { Act } from '../audit/act.ts';
import type { Db } from '../db/client.ts';
import { cursorOf, olderThan, pageOf } from '../db/page.ts';
import { defaultPatience } from './deliver.ts';

/** A payment that was given up is tried once more as often as that: the organiser may not have looked. */
const GIVEN_UP_RETRY_MS = 6 * 3_600_000;
const RETRIED_PER_RUN_MAX = 200;

type DeadRow = Omit<DeadLetter, 'createdAt'> & { cursor: string; createdAt: Date };

/** A page of the messages that were given up, the newest first. */
export async function listDeadLetters(db: Db, { limit, after }: PageQuery): Promise<DeadLettersAnswer> {
  const rows = await db.call<DeadRow>(
    (sql) => sql`
      select dead.id as message, dead.kind, dead.ticket_order as "order", bought.sale,
        case when dead.kind like '%-mail' then bought.buyer_email end as recipient,
        dead.attempts, dead.last_error as "lastError", dead.created_at as "createdAt",
        ${cursorOf(sql, 'dead.created_at', 'dead.id')} as cursor
      from (
        select * from outbox_message
        where state = 'dead' and ${olderThan(sql, 'created_at', 'id', after)}
        order by created_at desc, id desc
        limit ${limit + 1}
      ) as dead
      join ticket_order as bought on bought.id = dead.ticket_order
      order by dead.created_at desc, dead.id desc`,
  );
  const { entries, next } = pageOf(rows, limit);
  return {
    messages: entries.map(({ cursor: _, createdAt, ...letter }) => ({
      ...letter,
      createdAt: createdAt.toISOString(),
    })),
    next,
  };
}

/**
 * Puts a dead letter back with fresh attempts. Resolves to the state it is in now: one that is due, or was delivered,
 * stays as it is. Null when there is no such message.
 */
export async function resendMessage(db: Db, message: string, act: Act): Promise<'due' | 'sent' | null> {
  const { found } = await db.callOne<{ found: 'dead' | 'due' | 'sent' | 'erased' | null }>(
    (sql) => sql`select resend_message(${message}, ${act.audit}, ${act.by}, ${act.reason}) as found`,
  );
  // There is nobody any more whom it could reach.
  if (found === 'erased') return null;
  return found === 'dead' ? 'due' : found;
}

/**
 * Gives captures, cancellations and refunds that were given up long enough ago one more attempt each: their money is nobody's
 * until the provider has been told. Resolves to whether there are probably more.
 */
export async function retryGivenUpPayments(
  db: Db,
  { afterMs = GIVEN_UP_RETRY_MS, attemptsMax = defaultPatience.attemptsMax } = {},
): Promise<boolean> {
  const { retried } = await db.callOne<{ retried: number }>(
    (sql) =>
      sql`select retry_given_up_payments(${RETRIED_PER_RUN_MAX}, ${afterMs}, ${attemptsMax}) as retried`,
  );
  return retried === RETRIED_PER_RUN_MAX;
}
