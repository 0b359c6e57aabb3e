import { expect, test } from 'vitest';
import type { AnswerRecord, SaleRecord } from '../../infra/history/record.ts';
import { faultsOfNumbers, firstTurnAfterOpening } from './opening-rush.ts';

const ids = ['aaaaaaaaaaa', 'bbbbbbbbbbb', 'ccccccccccc'];

type Fan = { entry: string; number: number | null; wasInLobby?: boolean };

/** What fans were told: first that they stand in the lobby, if they do, and then their number. */
function told(fans: Record<string, Fan>): Map<string, AnswerRecord[]> {
  const answer = (fan: string, more: Partial<AnswerRecord>): AnswerRecord => ({
    ...{ kind: 'answer', fan, step: 'poll', sentAt: 0, tookMs: 1, status: 200 },
    ...more,
  });
  return new Map(
    Object.entries(fans).map(([fan, { entry, number, wasInLobby = true }]) => [
      fan,
      [
        ...(wasInLobby ? [answer(fan, { entry, state: 'lobby', queueNumber: null })] : []),
        answer(fan, { entry, state: 'waiting', queueNumber: number }),
      ],
    ]),
  );
}

const kept = {
  one: { entry: 'bbbbbbbbbbb', number: 2 },
  two: { entry: 'aaaaaaaaaaa', number: 1 },
  three: { entry: 'ccccccccccc', number: 3 },
  late: { entry: 'ddddddddddd', number: 4, wasInLobby: false },
};

const faultsWith = (changed: Record<string, Fan>): string[] =>
  faultsOfNumbers({ ids }, { fans: told({ ...kept, ...changed }) });

test('numbers as they were drawn, and later ones behind them, are no fault', () => {
  expect(faultsWith({})).toEqual([]);
});

test.each<[string, Record<string, Fan>, RegExp]>([
  [
    'a number that is not the drawn one',
    { one: { entry: 'bbbbbbbbbbb', number: 3 } },
    /one was drawn as 2 and was told 3/,
  ],
  [
    'somebody of the lobby who is not in the draw',
    { one: { entry: 'eeeeeeeeeee', number: 5 } },
    /one stood in the lobby and is not in the draw/,
  ],
  ['somebody of the lobby without a number', { one: { entry: 'bbbbbbbbbbb', number: null } }, /no number/],
  [
    'a later one among the lobby’s numbers',
    { late: { entry: 'ddddddddddd', number: 3, wasInLobby: false } },
    /late, who was not drawn, has number 3 of 3/,
  ],
])('%s is one', (_what, changed, fault) => {
  expect(faultsWith(changed).join('\n')).toMatch(fault);
});

test('an id that was drawn and is nobody’s is a fault', () => {
  const { three: _, ...others } = kept;
  expect(faultsOfNumbers({ ids }, { fans: told(others) })).toEqual(['3 were drawn, of whom 2 came']);
});

test('the first turn is known by its claim time, and is nobody’s where there was none', () => {
  const sale = { opensAt: 50_000, claimMs: 10_000 } as SaleRecord;
  const turn = (claimBy: number): AnswerRecord => ({
    ...{ kind: 'answer', fan: 'f', step: 'poll', sentAt: 0, tookMs: 1, status: 200, claimBy },
  });
  const fans = new Map([['f', [turn(63_000), turn(61_500)]]]);
  expect(firstTurnAfterOpening({ fans, sale })).toBe(1_500);
  expect(firstTurnAfterOpening({ fans: told(kept), sale })).toBeNull();
});
