import { say } from '../history/evidence.ts';
import type { Asked } from '../history/recorder.ts';
import type { Meanwhile } from './fault.ts';

const REFUSAL_MS_MAX = 600;
const LOCKED_MS_MAX = 3_000;
/** A machine that does all of this at once on two cores answers a little later itself. */
const BUSY_MS = 700;
/** Of fewer nothing can be said. */
const ENOUGH = 5;

const joins = (asked: readonly Asked[]) => asked.filter(({ op }) => op === 'join');
const holds = (asked: readonly Asked[]) => asked.filter(({ op }) => op === 'hold' || op === 'hold the best');

/** Nobody gets in, and is told so at once. */
export function joinsAreRefused({ asked }: Meanwhile): string[] {
  const asking = joins(asked);
  const let_in = asking.filter(({ status }) => status === 201).map((each) => `Was let in: ${say(each)}`);
  const took = asking.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const half = took[Math.floor(took.length / 2)] ?? 0;
  const isLate = took.length >= ENOUGH && half > REFUSAL_MS_MAX;
  return isLate
    ? [...let_in, `Half of ${took.length} joins took more than ${Math.round(half)} ms to be refused`]
    : let_in;
}

/** Whoever is in the shop goes on shopping. */
export function shoppingGoesOn({ asked }: Meanwhile): string[] {
  const asking = holds(asked).filter(({ broken, status }) => broken !== null || status !== 0);
  const answered = asking.filter(({ outcome }) => outcome !== 'unknown');
  return asking.length >= ENOUGH && answered.length === 0
    ? [`None of ${asking.length} attempts on seats was answered`]
    : [];
}

/** Positions are told although nothing new can be kept. */
export function placesAreServed({ asked }: Meanwhile): string[] {
  const polls = asked.filter(({ op }) => op === 'poll');
  return polls.length >= ENOUGH && !polls.some(({ outcome }) => outcome === 'done')
    ? [`None of ${polls.length} polls was answered`]
    : [];
}

export const isUnnoticed = ({ asked }: Meanwhile): string[] =>
  asked.filter(({ status }) => status === 503).map((each) => `Was noticed: ${say(each)}`);

export const holdsAreAnsweredInTime = ({ asked }: Meanwhile): string[] =>
  holds(asked)
    .filter(({ tookMs }) => tookMs > LOCKED_MS_MAX + BUSY_MS)
    .map((each) => `Waited too long: ${say(each)}`);

export const allOf =
  (...those: ((meanwhile: Meanwhile) => string[])[]) =>
  (meanwhile: Meanwhile) =>
    those.flatMap((each) => each(meanwhile));
