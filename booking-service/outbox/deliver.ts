import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '#shared/log.ts';
import { counter } from '#shared/metrics/registry.ts';
import type { Db } from '../db/client.ts';
import {
  claimMessage,
  markFailed,
  markSent,
  type OutboxKind,
  type OutboxMessage,
  renewLease,
} from './messages.ts';

/** How soon another deliverer takes over from one that was killed. */
export const LEASE_MS = 10_000;
const RENEW_INTERVAL_MS = 3_000;
/** A delivery that takes longer has failed, whatever still comes of it. */
const DELIVERY_TIMEOUT_MS = 60_000;
const ERROR_LENGTH_MAX = 500;

const deliveries = counter(
  'admit_one_deliveries_total',
  'Attempts to deliver messages, by kind and outcome.',
  ['kind', 'outcome'],
);

/** When a failed delivery is tried again: twice as long each time, up to an hour or so; about half a day in all. */
export type Patience = { firstRetryMs: number; retryMsMax: number; attemptsMax: number };
export const defaultPatience: Patience = { firstRetryMs: 1_000, retryMsMax: 3_600_000, attemptsMax: 24 };

/** Tells one message to whom it concerns; throws when it could not be told. May be called again for the same message. */
export type Deliverer = (message: OutboxMessage) => Promise<void>;

export type Outbox = {
  db: Db;
  deliverers: Record<OutboxKind, Deliverer>;
  log: Log;
  patience?: Patience;
};

/**
 * Delivers the next message of a kind, at least once: it is marked as sent only afterwards, and a crash in between
 * delivers it again. Kinds are apart, so that a mail server that hangs keeps nothing from the gateway. Resolves to
 * whether there was one.
 */
export async function deliverNext(outbox: Outbox, kind: OutboxKind): Promise<boolean> {
  const { db, deliverers, log, patience = defaultPatience } = outbox;
  const message = await claimMessage(db, kind, LEASE_MS);
  if (!message) return false;
  // Only a deliverer that was killed leaves a message beyond its last attempt: perhaps by this very message.
  if (message.attempts > patience.attemptsMax) {
    await markFailed(db, message.id, { error: 'Its deliverers died.', retryMs: null });
    deliveries.count(kind, 'given-up');
    return true;
  }
  try {
    await deliverUnderLease(db, deliverers[kind], message);
  } catch (error) {
    const retryMs = retryAfterMs(message.attempts, patience);
    // What a mail server says may name the buyer's address: that stays in the database.
    const why = kind.endsWith('-mail') ? { code: (error as { code?: string }).code } : { err: error };
    deliveries.count(kind, retryMs === null ? 'given-up' : 'failed');
    // Said when it begins and when it was given up; how often it was tried in between is in the database as well.
    const isNews = message.attempts === 1 || retryMs === null;
    log[isNews ? 'warn' : 'debug'](
      { message, ...why, retryMs },
      retryMs === null ? 'given up' : 'not delivered',
    );
    await markFailed(db, message.id, { error: String(error).slice(0, ERROR_LENGTH_MAX), retryMs });
    return true;
  }
  await markSent(db, message.id);
  deliveries.count(kind, 'sent');
  return true;
}

async function deliverUnderLease(db: Db, deliver: Deliverer, message: OutboxMessage): Promise<void> {
  const renewing = setInterval(() => {
    // When it cannot be renewed, another deliverer may tell the same again, which is allowed.
    renewLease(db, message.id, LEASE_MS).catch(() => undefined);
  }, RENEW_INTERVAL_MS);
  const ended = new AbortController();
  try {
    const late = delay(DELIVERY_TIMEOUT_MS, undefined, { signal: ended.signal }).then(() => {
      throw new Error(`The delivery took longer than ${DELIVERY_TIMEOUT_MS} ms.`);
    });
    await Promise.race([deliver(message), late]);
  } finally {
    clearInterval(renewing);
    ended.abort();
  }
}

/** What failed at one moment does not come again at one moment: so much of a wait, more or less. */
const JITTER = 0.2;

/** How long to wait after this many attempts; null when that were enough. `random`: from 0 to below 1. */
export function retryAfterMs(attempts: number, patience: Patience, random = Math.random): number | null {
  if (attempts >= patience.attemptsMax) return null;
  const waitMs = Math.min(patience.firstRetryMs * 2 ** (attempts - 1), patience.retryMsMax);
  return Math.round(waitMs * (1 - JITTER + 2 * JITTER * random()));
}
