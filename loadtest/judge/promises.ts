import { judgeQueue, overCapacity } from './queue.ts';
import type { History } from './read.ts';
import { oneSeat, oversold } from './seats.ts';

export const promises = {
  oversold: 'No seat is had by two fans at once',
  overtaken: 'Nobody gets a turn while somebody with a smaller queue number waits',
  'over-capacity': 'Never are more fans in the shop than its capacity',
  'position-rises': 'A fan’s position never rises',
  'place-lost': 'A fan keeps the place that they have',
  'lost-order': 'Every acknowledged order is in the books, once, and no other is',
  'server-error': 'No answer is an error of the shop’s other than "not available for a moment"',
  'one-seat': 'One fan gets the seat, everybody else is told clearly that somebody was faster',
  books: 'What npm run verify checks on the shop itself',
  thresholds: 'Answers come in time (k6’s thresholds)',
  history: 'The record of the run is whole',
} as const;
export type PromiseName = keyof typeof promises;

/** What was found against a promise, in sentences; nothing, when it was kept. */
export type Judgement = Partial<Record<PromiseName, string[]>>;

/** Judges a run by what the fans were answered. Pure; what the books say is judged by books.ts. */
export function judgeHistory(history: History): Judgement {
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
