import { estimateWait } from './estimate.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { hasEnded, pollAfterOf, waitingStatus } from './status.ts';
import type { QueueTicket } from './ticket.ts';
import { positionOf } from './waiting-bits.ts';

/** Where a fan waits, by a snapshot alone; null for a fan who does not simply wait, and has to be asked about. */
export function waitingPosition(snapshot: QueueSnapshot, { queueNumber, epoch }: QueueTicket): number | null {
  if (queueNumber === null || hasEnded(snapshot.state)) return null;
  // Redis has lost data, and what the ticket says may have to be brought back first.
  if (snapshot.recovering || epoch !== snapshot.epoch) return null;
  return positionOf(snapshot.bits, queueNumber);
}

/**
 * The status of a fan who waits as JSON, put together from parts that are made once a snapshot: what polls and streams
 * are answered. `load`: how busy this process is (pace.ts).
 */
export function waitingAnswer(
  snapshot: QueueSnapshot,
  queueNumber: number,
  position: number,
  load: number,
): { json: string; pollAfterMs: number } {
  const estimate = estimateWait(snapshot.outlook, position);
  const pollAfterMs = pollAfterOf(snapshot, position, estimate, load);
  const [a, b, c, d, e, f] = partsOf(snapshot);
  const range =
    estimate === null
      ? 'null'
      : `{"lowSeconds":${estimate.lowSeconds},"highSeconds":${estimate.highSeconds}}`;
  const json = a + queueNumber + b + position + c + (position - 1) + d + range + e + pollAfterMs + f;
  return { json, pollAfterMs };
}

type Parts = [string, string, string, string, string, string];

const parts = new WeakMap<QueueSnapshot, Parts>();

/** The answer to all who wait, in the order of its fields, without what differs: number, position, ahead, estimate, pace. */
function partsOf(snapshot: QueueSnapshot): Parts {
  const known = parts.get(snapshot);
  if (known) return known;
  const made = JSON.stringify({
    ...waitingStatus(snapshot, 1, 1),
    queueNumber: '@',
    position: '@',
    ahead: '@',
    estimate: '@',
    pollAfterMs: '@',
    // In a text of the organiser's a quotation mark stands escaped: nothing else reads like these.
  }).split('"@"') as Parts;
  parts.set(snapshot, made);
  return made;
}
