import type { IncomingMessage } from 'node:http';
import { counter } from './metrics/registry.ts';

/** A process whose event loop has not turned for so long stood still: stopped, or out of breath. */
const STILL_MS = 1_000;
const BEAT_MS = 250;
/** What is read so soon afterwards may have been asked before. */
const LATE_MS = 1_000;
/** In the first what has come before a caller's end may be read; the end is, in the second. */
const TURNS_UNTIL_HEARD = 2;

const notBegun = counter(
  'admit_one_requests_not_begun_total',
  'Requests of callers who had gone while the process stood still.',
);

let beatAtMs = performance.now();
let stoodStillAtMs = Number.NEGATIVE_INFINITY;

function isJustOver(nowMs: number): boolean {
  if (nowMs - beatAtMs > STILL_MS) stoodStillAtMs = nowMs;
  return nowMs - stoodStillAtMs < LATE_MS;
}

setInterval(() => {
  const nowMs = performance.now();
  isJustOver(nowMs);
  beatAtMs = nowMs;
}, BEAT_MS).unref();

/**
 * Begins what a request asks: at once, or, where this process stood still a moment ago, when it is known whether the caller
 * is still there. Who went meanwhile was told long ago that nobody answers, and may have done something else since: that is not begun.
 * The end of a connection is heard behind what of a body is read by now (some 16 KB, or all of it), so that a large one wants this once
 * more when it is whole. Who only closes their half of it is taken for gone, as ever. `nowMs` is of `performance.now()`.
 */
export function beginUnlessGone(request: IncomingMessage, nowMs: number, begin: () => void): void {
  if (!isJustOver(nowMs)) {
    begin();
    return;
  }
  let turns = 0;
  const look = () => {
    turns += 1;
    if (turns < TURNS_UNTIL_HEARD) setImmediate(look);
    else if (isGone(request)) notBegun.count();
    else begin();
  };
  setImmediate(look);
}

/** The connection's own end: a request is told of it some turns later, and is over itself as soon as its body is read. */
const isGone = ({ socket }: IncomingMessage): boolean => socket.destroyed || socket.readableEnded;
