import { setTimeout as delay } from 'node:timers/promises';
import { CALL_DEADLINE_MS } from '../db/client.ts';

/** Behind the payment's word: less than one call may take, for there are several. */
const AFTER_WORD_MS = 2_600;
/** Of a payment of which nothing was heard the fan is told so, and little else. */
const AFTER_NO_WORD_MS = 500;
/** What an order's end leaves for reading it, or for giving its lease back. */
const ANSWERING_MS = 600;

/**
 * Until when a fan who waits for an order has an answer, whatever the database does: CALL_DEADLINE_MS for all calls before the
 * payment, and AFTER_WORD_MS for all behind it. What the provider itself takes is not the database's to save.
 */
export type AnswerTime = {
  /** By performance.now. */
  untilMs: () => number;
  /** The provider has spoken, or will not. */
  beginAnew: (wasHeard: boolean) => void;
};

export function createAnswerTime(): AnswerTime {
  let untilMs = performance.now() + CALL_DEADLINE_MS;
  return {
    untilMs: () => untilMs,
    beginAnew: (wasHeard) => {
      untilMs = performance.now() + (wasHeard ? AFTER_WORD_MS : AFTER_NO_WORD_MS);
    },
  };
}

/** What `work` comes to, or after as long as it may take `meanwhile`; `work` goes on. */
export async function withinAnswerTime<Result>(
  answerTime: AnswerTime,
  work: Promise<Result>,
  meanwhile: () => Result,
): Promise<Result> {
  const ended = new AbortController();
  const waitMs = Math.max(0, answerTime.untilMs() - ANSWERING_MS - performance.now());
  const late = delay(waitMs, undefined, { signal: ended.signal }).then(meanwhile);
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
    late.catch(() => undefined);
  }
}
