import { expect, test } from 'vitest';
import { CALL_DEADLINE_MS } from '../db/client.ts';
import { createAnswerTime } from './answer-time.ts';

const PROVIDER_MS = 5_000;
/** Less than a call may take, and not much. */
const BEGIN_MS = 2_500;
const NO_WORD_MS_MAX = 500;

test('the calls of an order share one deadline, and what the provider takes comes on top', () => {
  let nowMs = 0;
  const answerTime = createAnswerTime(() => nowMs);
  expect(answerTime.beginUntilMs()).toBeLessThan(CALL_DEADLINE_MS);
  nowMs += BEGIN_MS;
  nowMs += PROVIDER_MS;
  answerTime.goOn(PROVIDER_MS, true);
  expect(answerTime.untilMs()).toBe(CALL_DEADLINE_MS + PROVIDER_MS);
});

test('of a payment of which nothing was heard the fan is told soon, and not later than of any other', () => {
  for (const beginMs of [0, BEGIN_MS]) {
    let nowMs = 0;
    const answerTime = createAnswerTime(() => nowMs);
    nowMs += beginMs + PROVIDER_MS;
    answerTime.goOn(PROVIDER_MS, false);
    expect(answerTime.untilMs()).toBeLessThanOrEqual(nowMs + NO_WORD_MS_MAX);
    expect(answerTime.untilMs()).toBeLessThanOrEqual(CALL_DEADLINE_MS + PROVIDER_MS);
  }
});
