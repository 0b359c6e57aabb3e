import { expect, test } from 'vitest';
import type { AnswerRecord } from '../../infra/history/record.ts';
import { faultsOfMoving, faultsOfSent, stepOf } from './waiting.ts';

const told = (...positions: (number | null)[]): AnswerRecord[] =>
  positions.map((position) => ({
    ...{ kind: 'answer', fan: 'one', step: 'poll', sentAt: 0, tookMs: 1, status: 200 },
    position,
  }));

test('a queue in which nobody’s position falls is found, for it proves nothing', () => {
  expect(faultsOfMoving({ fans: new Map([['one', told(5, 4, null)]]) })).toEqual([]);
  for (const positions of [[], [5], [5, 5], [5, 6], [null]])
    expect(faultsOfMoving({ fans: new Map([['one', told(...positions)]]) })).toHaveLength(1);
});

test('polls that were not sent are found, but for a few', () => {
  expect(faultsOfSent(995, 1_000)).toEqual([]);
  expect(faultsOfSent(985, 1_000)).toEqual(['985 polls were sent, and 1000 were to be']);
});

test('a step that k6 has not measured has no answers', () => {
  const metrics = { poll_ms: { count: 30, med: 1, 'p(95)': 2, 'p(99)': 3, max: 4 } };
  expect(stepOf(metrics, 'poll_ms', 'poll', 10)).toEqual({
    ...{ step: 'poll', answers: 30, perSecond: 3, refused: '' },
    ...{ p50: 1, p95: 2, p99: 3, max: 4 },
  });
  expect(stepOf(metrics, 'join_ms', 'join', 10)).toMatchObject({ answers: 0, p99: 0 });
});
