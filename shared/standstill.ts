import type { IncomingMessage } from 'node:http';

/** A process whose event loop has not turned for so long stood still: stopped, paused with its machine, or out of breath. */
const STILL_MS = 1_000;
const BEAT_MS = 250;
/** In the first what has come before a caller's end may be read; the end is, in the second. */
const TURNS_UNTIL_HEARD = 2;

let beatAtMs = performance.now();
let stoodStillAtMs = Number.NEGATIVE_INFINITY;

function isJustOver(nowMs: number): boolean {
  if (nowMs - beatAtMs > STILL_MS) stoodStillAtMs = nowMs;
  return nowMs - stoodStillAtMs < STILL_MS;
}

setInterval(() => {
  const nowMs = performance.now();
  isJustOver(nowMs);
  beatAtMs = nowMs;
}, BEAT_MS).unref();

/**
 * Begins what a request asks: at once, or, where this process stood still a moment ago, when it is known whether the caller
 * is still there. Who went meanwhile was told long ago that nobody answers, and may have done something else since: that is not begun.
 * The end of a connection is heard behind what of a body is read by now (some 16 KB, or all of it). `nowMs` is of `performance.now()`.
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
    else if (!isGone(request)) begin();
  };
  setImmediate(look);
}

/** Node tells a request so some turns later, when it has closed the connection too. */
const isGone = ({ destroyed, socket }: IncomingMessage): boolean =>
  destroyed || socket.destroyed || socket.readableEnded;
