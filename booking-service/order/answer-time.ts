import { setTimeout as delay } from 'node:timers/promises';
import { CALL_DEADLINE_MS } from '../db/client.ts';

/** What an order's beginning leaves for all that comes behind it, which takes some ten milliseconds where nothing is slow. */
const BEHIND_BEGIN_MS = 200;
/** Of a payment of which nothing was heard the fan is told so, and little else. */
const AFTER_NO_WORD_MS = 500;
/** What an order's end leaves for reading it, or for giving its lease back: this, or half of what there is. */
const ANSWERING_MS = 600;

/**
 * Until when a fan who waits for an order has an answer, whatever the database does: one CALL_DEADLINE_MS for all of its calls,
 * before the payment and behind it. What the provider itself takes is not the database's to save, and comes on top.
 */
export type AnswerTime = {
  /** By performance.now. */
  untilMs: () => number;
  /** Until when it has to be begun: whoever is charged after that would not hear of it in time. */
  beginUntilMs: () => number;
  /** The provider has spoken, or will not, and took so long. */
  goOn: (providerTookMs: number, wasHeard: boolean) => void;
};

export function createAnswerTime(clock = () => performance.now()): AnswerTime {
  let untilMs = clock() + CALL_DEADLINE_MS;
  return {
    untilMs: () => untilMs,
    beginUntilMs: () => untilMs - BEHIND_BEGIN_MS,
    goOn: (providerTookMs, wasHeard) => {
      untilMs += providerTookMs;
      if (!wasHeard) untilMs = Math.min(untilMs, clock() + AFTER_NO_WORD_MS);
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
  const leftMs = Math.max(0, answerTime.untilMs() - performance.now());
  const waitMs = leftMs - Math.min(ANSWERING_MS, leftMs / 2);
  const late = delay(waitMs, undefined, { signal: ended.signal }).then(meanwhile);
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
    late.catch(() => undefined);
  }
}
