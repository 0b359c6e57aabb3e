import type { StatusAnswer } from '#shared/contract/queue.ts';
import { newId } from '#shared/ids.ts';
import { estimateWait } from './estimate.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { endedStatus, hasEnded, keptStatus, pollAfterOf, waitingStatus } from './status.ts';
import type { QueueTicket } from './ticket.ts';
import { positionOf } from './waiting-bits.ts';
import { isCurrent } from './watch.ts';

/** Where a fan waits, by a snapshot alone; null for a fan who does not simply wait, and has to be asked about. */
export function waitingPosition(snapshot: QueueSnapshot, { queueNumber, epoch }: QueueTicket): number | null {
  if (queueNumber === null || hasEnded(snapshot.state)) return null;
  // Redis has lost data, and what the ticket says may have to be brought back first.
  if (snapshot.recovering || epoch !== snapshot.epoch) return null;
  return positionOf(snapshot.bits, queueNumber);
}

/** A position; or the place is kept, and where it is cannot be said now; or the sale has ended for a fan who waited. */
export type Standing = number | 'kept' | 'ended';

/**
 * What readStatus would say of a fan, by a snapshot alone; null for one who has to be asked about. A snapshot that is not
 * current any more means that Redis is away.
 */
export function standingOf(snapshot: QueueSnapshot, { queueNumber, epoch }: QueueTicket): Standing | null {
  if (epoch !== snapshot.epoch) return null;
  const isAway = !isCurrent(snapshot);
  if (queueNumber === null) return isAway && !hasEnded(snapshot.state) ? 'kept' : null;
  const position = positionOf(snapshot.bits, queueNumber);
  if (position === null) return null;
  if (hasEnded(snapshot.state)) return 'ended';
  return isAway || snapshot.recovering ? 'kept' : position;
}

/** The status of a fan who stands there, but does not simply wait. */
export const statusOf = (
  snapshot: QueueSnapshot,
  { queueNumber }: QueueTicket,
  standing: 'kept' | 'ended',
  load: number,
): StatusAnswer =>
  standing === 'ended'
    ? endedStatus(snapshot, queueNumber, load)
    : keptStatus(snapshot, { queueNumber }, load);

/**
 * The status of a fan who waits as JSON, put together from parts that are made once a snapshot: what polls and streams
 * are answered. `load`: how busy this process is (pace.ts).
 */
export function waitingAnswer(
  snapshot: QueueSnapshot,
  queueNumber: number,
  position: number,
  load: number,
): { json: string; encoding: 'latin1' | 'utf8'; pollAfterMs: number } {
  const estimate = estimateWait(snapshot.outlook, position);
  const pollAfterMs = pollAfterOf(snapshot, position, estimate, load);
  const { parts, encoding } = partsOf(snapshot);
  const [a, b, c, d, e, f] = parts;
  const range =
    estimate === null
      ? 'null'
      : `{"lowSeconds":${estimate.lowSeconds},"highSeconds":${estimate.highSeconds}}`;
  const json = a + queueNumber + b + position + c + (position - 1) + d + range + e + pollAfterMs + f;
  return { json, encoding, pollAfterMs };
}

/** Of an answer in ASCII, as nearly all are, every character is a byte, and the shorter way to write it is right too. */
type Parts = { parts: [string, string, string, string, string, string]; encoding: 'latin1' | 'utf8' };

/** What nobody can have written into a notice. */
const GAP = newId();

const made = new WeakMap<QueueSnapshot, Parts>();

/** The answer to all who wait, in the order of its fields, without what differs: number, position, ahead, estimate, pace. */
function partsOf(snapshot: QueueSnapshot): Parts {
  const known = made.get(snapshot);
  if (known) return known;
  const text = JSON.stringify({
    ...waitingStatus(snapshot, 1, 1),
    queueNumber: GAP,
    position: GAP,
    ahead: GAP,
    estimate: GAP,
    pollAfterMs: GAP,
  });
  const answer: Parts = {
    parts: text.split(JSON.stringify(GAP)) as Parts['parts'],
    encoding: /^[\x20-\x7e]*$/.test(text) ? 'latin1' : 'utf8',
  };
  made.set(snapshot, answer);
  return answer;
}
