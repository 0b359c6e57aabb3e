import { expect, test } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import type { AnswerRecord } from '../../infra/history/record.ts';
import { faultsOfJoins, faultsOfPlaces, faultsOfStats } from './arrivals.ts';

type Joined = { number?: number; status?: number };

/** What each fan was answered, try by try. */
function told(fans: Record<string, Joined[]>): { fans: Map<string, AnswerRecord[]> } {
  return {
    fans: new Map(
      Object.entries(fans).map(([fan, tries]) => [
        fan,
        tries.map(({ number, status = 201 }) => ({
          ...{ kind: 'answer', fan, step: 'join', sentAt: 0, tookMs: 1, status },
          ...(number === undefined ? {} : { queueNumber: number }),
        })),
      ]),
    ),
  };
}

const kept = { one: [{ number: 2 }], two: [{ number: 1 }], three: [{ number: 3 }] };

test('as many numbers as fans, each once, and each at the first try, are no fault', () => {
  expect(faultsOfPlaces(told(kept), 3)).toEqual([]);
  expect(faultsOfJoins(told(kept))).toEqual([]);
});

test.each<[string, Record<string, Joined[]>, RegExp]>([
  ['a number that two fans have', { three: [{ number: 1 }] }, /^two and three were both told number 1$/],
  ['a number that is left out', { three: [{ number: 4 }] }, /^three was told number 4, and 3 fans/],
  ['a number that nobody has', { three: [{ number: 1 }] }, /^Of the numbers 1 to 3 1 were told nobody$/],
  ['a fan without a number', { three: [{ status: 500 }] }, /^three was told no number$/],
  ['a fan too many', { four: [{ number: 4 }] }, /^4 fans came, 3 were to$/],
])('%s is found', (_, changed, fault) => {
  const faults = faultsOfPlaces(told({ ...kept, ...changed }), 3);
  expect(faults).toContainEqual(expect.stringMatching(fault));
});

test('a fan who has not come is found', () => {
  expect(faultsOfPlaces(told({ one: [{ number: 1 }], two: [{ number: 2 }] }), 3)).toContain(
    '2 fans came, 3 were to',
  );
});

test.each<[string, Joined[], string]>([
  ['a join that failed', [{ status: 500 }], 'three was answered 500'],
  ['one that was not answered', [{ status: 0 }, { number: 3 }], 'three was answered nothing'],
  ['one that was put off', [{ status: 503 }, { number: 3 }], 'three was answered 503'],
  ['one that found a place that was there', [{ number: 3, status: 200 }], 'three was answered 200'],
  ['one that was sent twice', [{ number: 3 }, { number: 3, status: 200 }], 'three joined 2 times'],
])('%s is found', (_, tries, fault) => {
  expect(faultsOfJoins(told({ ...kept, three: tries }))).toEqual([fault]);
});

const ended = { finished: 0, left: 1, lapsed: 0, missed: 0, expired: 0, closed: 0 };
const stats = { joined: 3, lobby: 0, waiting: 1, ready: 1, admitted: 0, ended } as StatsAnswer;

test('the organiser’s figures must say how many came, and what became of each', () => {
  expect(faultsOfStats(stats, 3)).toEqual([]);
  expect(faultsOfStats({ ...stats, joined: 4 }, 3)).toEqual([
    'They say that 4 joined, and 3 were to',
    'They say that 4 joined, and what became of 3',
  ]);
  expect(faultsOfStats({ ...stats, waiting: 2 }, 3)).toHaveLength(1);
});
