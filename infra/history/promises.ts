import type { PromiseId } from '../verify/check.ts';
import { judgeQueue, overCapacity } from './queue.ts';
import type { History } from './read.ts';
import { oneSeat, oversold } from './seats.ts';

/** What a history is judged by, whoever made it; each with the promise of ARCHITECTURE.md that it shows, if it is one. */
export const promises = {
  oversold: { of: 'I1', keeps: 'No seat is had by two fans at once' },
  overtaken: { of: 'I4', keeps: 'Nobody gets a turn while somebody with a smaller queue number waits' },
  'over-capacity': { of: 'I3', keeps: 'Never are more fans in the shop than its capacity' },
  'position-rises': { of: 'I5', keeps: 'A fan’s position never rises' },
  'place-lost': { of: 'I8', keeps: 'A fan keeps the place that they have' },
  'lost-order': { of: 'I2', keeps: 'Every acknowledged order is in the books, once, and no other is' },
  'lost-mail': { of: 'I6', keeps: 'Every mail that the books call sent has arrived' },
  'lost-hold': {
    of: 'I15',
    keeps: 'A hold is what its fan was told, one a key, and gone when it was given back',
  },
  'lost-deed': { of: null, keeps: 'What organisers were told was done is done, once' },
  'falsely-taken': { of: 'I10', keeps: 'Nobody is told that a seat is taken which is open' },
  'no-turns': { of: 'I14', keeps: 'After a fault heals turns flow again in time' },
  'token-refused': { of: 'I7', keeps: 'No token of a fan’s own is called invalid before its time is over' },
  'died-by-itself': { of: null, keeps: 'No service ends by itself, whatever is away' },
  meanwhile: { of: null, keeps: 'While something is away the rest goes on as it is promised' },
  'server-error': {
    of: null,
    keeps: 'No answer is an error of the shop’s other than "not available for a moment"',
  },
  'no-answer': { of: null, keeps: 'Nobody is left without an answer' },
  'one-seat': {
    of: 'I1',
    keeps: 'One fan gets the seat, everybody else is told clearly that somebody was faster',
  },
  books: { of: null, keeps: 'What npm run verify checks on the shop itself' },
  thresholds: { of: null, keeps: 'Answers come in time (k6’s thresholds)' },
  history: { of: null, keeps: 'The record of the run is whole' },
} as const satisfies Record<string, { of: PromiseId | null; keeps: string }>;
export type PromiseName = keyof typeof promises;

/** What was found against a promise, in sentences; nothing, when it was kept. */
export type Judgement = Partial<Record<PromiseName, string[]>>;

/** Every sentence of a judgement, behind the name of what it breaks. */
export const breachesOf = (judgement: Judgement): string[] =>
  Object.entries(judgement).flatMap(([name, found]) => found.map((text) => `${name}: ${text}`));

/** Judges a run by what the fans were answered. Pure; what the books say is judged by judge.ts. */
export function judgeFans(history: History): Judgement {
  return {
    oversold: oversold(history),
    ...judgeQueue(history),
    'over-capacity': overCapacity(history),
    'server-error': serverErrors(history),
    ...(history.expect ? { 'one-seat': oneSeat(history, history.expect.oneSeat) } : {}),
  };
}

const INTERNAL_ERROR = 500;
const UNAVAILABLE = 503;

function serverErrors({ fans }: History): string[] {
  return [...fans.values()]
    .flat()
    .filter(({ status }) => status >= INTERNAL_ERROR && status !== UNAVAILABLE)
    .map(({ fan, step, status }) => `To ${step} of ${fan} the shop answered ${status}`);
}
