import { isoTime, isoTimeOrNull } from '#shared/clock.ts';
import type { EntryState, StatusAnswer } from '#shared/contract/queue.ts';
import type { SaleState } from '#shared/contract/sale.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import type { Store } from '../redis/script.ts';
import { adoptEntry } from './adopt.ts';
import type { Entry } from './entry.ts';
import { type Estimate, estimateWait } from './estimate.ts';
import { LONGEST_POLL_MS, type PollLoad, pollAfterMs, pollAfterOpeningMs } from './pace.ts';
import { lookUpEntry } from './place.ts';
import type { PollLimit } from './poll-limit.ts';
import type { Presence } from './presence.ts';
import type { QueueSnapshot } from './snapshot.ts';
import type { QueueTicket, TicketMint } from './ticket.ts';
import { countWaiting, positionOf } from './waiting-bits.ts';
import { isCurrent, type QueueWatch } from './watch.ts';

export type Queue = {
  store: Store;
  watch: QueueWatch;
  presence: Presence;
  tickets: TicketMint;
  load: PollLoad;
  limit: PollLimit;
  log: Log;
};

/** Without an estimate the wait counts as one second a place, up to this: far fans then ask four times a minute. */
const UNKNOWN_WAIT_SECONDS_MAX = 300;
/** However rarely a fan is told to ask, it is this often within the time after which absence counts. */
const POLLS_PER_GRACE = 4;
/** Some 25 MB. */
const IN_LOBBY_MAX = 500_000;
/** … and within the time that a turn waits. */
const POLLS_PER_TURN = 2;

export const hasEnded = (state: SaleState): boolean => state === 'closed' || state === 'soldOut';

/**
 * Where the holder of a queue ticket stands. A waiting fan is answered from this process's memory; only a fan whose bit
 * is cleared costs a call to Redis. `seenVersion` is the version the fan was last shown: nothing older is answered, so a
 * position never rises, whichever process answers. For a fan who does not say (null) the snapshot is read afresh, in one
 * call for all who ask at the same moment.
 *
 * Throws `not-found`, `token-invalid`, `unavailable`.
 */
export async function readStatus(
  queue: Queue,
  ticket: QueueTicket,
  seenVersion: number | null,
): Promise<StatusAnswer> {
  const { watch, presence, load } = queue;
  const { sale, queueNumber } = ticket;
  load.count(performance.now());
  let snapshot: QueueSnapshot;
  try {
    snapshot =
      seenVersion === null
        ? await watch.renew(sale)
        : await watch.atLeast(sale, { version: seenVersion, queueNumber: queueNumber ?? 0 });
  } catch (error) {
    return placeIsKept(queue, watch.remembered(sale), ticket, error);
  }
  if (ticket.epoch !== snapshot.epoch) return adoptedStatus(queue, snapshot, ticket);
  if (queueNumber !== null) {
    const position = positionOf(snapshot.bits, queueNumber);
    if (position !== null) {
      presence.mark(sale, queueNumber);
      if (hasEnded(snapshot.state)) return endedStatus(snapshot, queueNumber, load.factor());
      // Nobody has seen a version that does not exist, unless Redis has lost it.
      const isShown = !snapshot.recovering && snapshot.version >= (seenVersion ?? 0);
      return isShown
        ? waitingStatus(snapshot, queueNumber, position, load.factor())
        : keptStatus(snapshot, ticket, load.factor());
    }
  } else if (isKnownInLobby(snapshot, ticket, seenVersion ?? 0)) {
    return hasEnded(snapshot.state)
      ? endedStatus(snapshot, null, load.factor())
      : lobbyStatus(snapshot, load.factor());
  }
  const entry = await lookUpEntry(queue.store, sale, ticket.entry);
  if (!entry) return adoptedStatus(queue, snapshot, ticket);
  const status = await entryStatus(queue, snapshot, entry);
  if (entry.state === 'lobby') rememberInLobby(snapshot, ticket.entry);
  if (queueNumber === null && entry.queueNumber !== null) {
    status.queueTicket = queue.tickets.sign({ ...ticket, queueNumber: entry.queueNumber });
  }
  return status;
}

/** Redis has lost data since the ticket was signed: it brings back its place, and is renewed. */
async function adoptedStatus(
  queue: Queue,
  snapshot: QueueSnapshot,
  ticket: QueueTicket,
): Promise<StatusAnswer> {
  const { store, tickets, load, log } = queue;
  const { entry, epoch, kept } = await adoptEntry(store, ticket, log);
  // What is remembered of it may not have been brought back yet.
  if (!entry && kept) return keptStatus(snapshot, ticket, load.factor());
  if (!entry) throw new Problem('token-invalid', 'This place in the queue is not known any more.');
  const status = await entryStatus(queue, snapshot, entry);
  return {
    ...status,
    queueTicket: tickets.sign({ ...ticket, queueNumber: entry.queueNumber ?? ticket.queueNumber, epoch }),
  };
}

/** The status of an entry that Redis has just described. */
export async function entryStatus(
  queue: Queue,
  snapshot: QueueSnapshot,
  entry: Entry,
): Promise<StatusAnswer> {
  if (entry.state === 'waiting' && entry.queueNumber !== null) {
    const newer = await queue.watch.atLeast(snapshot.definition.sale, {
      version: entry.version,
      queueNumber: entry.queueNumber,
    });
    const position = positionOf(newer.bits, entry.queueNumber);
    if (position !== null) {
      queue.presence.mark(newer.definition.sale, entry.queueNumber);
      if (newer.recovering) return keptStatus(newer, entry, queue.load.factor());
      return waitingStatus(newer, entry.queueNumber, position, queue.load.factor());
    }
    // The turn came between the two reads; the next poll, at once, finds it.
    return { ...status(newer, 'waiting', entry.queueNumber), pollAfterMs: 0 };
  }
  if (entry.state === 'lobby') return lobbyStatus(snapshot, queue.load.factor());
  return {
    ...status(snapshot, entry.state, entry.queueNumber),
    version: Math.max(snapshot.version, entry.version),
    claimBy: isoTimeOrNull(entry.claimBy),
    expiresAt: isoTimeOrNull(entry.expiresAt),
    returning: entry.returning,
    pollAfterMs: pollAfterEntryMs(snapshot, entry, queue.load.factor()),
  };
}

/** Whoever has the turn, or gets the next one, is near; for whom it is over nothing changes any more. */
function pollAfterEntryMs(snapshot: QueueSnapshot, { state, returning }: Entry, load: number): number {
  if (state === 'ready' || returning) return pollAfterMs(0);
  if (state === 'admitted') return pollAfterMs(null);
  return pollAfterOf(snapshot, UNKNOWN_WAIT_SECONDS_MAX, null, load);
}

/** The fields that every state shares; the rest is null until a state fills it in. */
const status = (
  snapshot: QueueSnapshot,
  state: EntryState,
  queueNumber: number | null,
  { asOf, version }: Pick<QueueSnapshot, 'asOf' | 'version'> = snapshot,
): StatusAnswer => ({
  sale: snapshot.definition.sale,
  saleState: snapshot.state,
  state,
  queueNumber,
  position: null,
  ahead: null,
  // Positions are counted from the bits. Until a draw is written they know more than the sorted set: its whole lobby, with
  // those who have left it since. A fan who has just joined knows more than the bits.
  waiting: Math.max(snapshot.waiting, countWaiting(snapshot.bits)),
  admittedPerMinute: snapshot.turnsLastMinute,
  estimate: null,
  claimBy: null,
  expiresAt: null,
  allHeldUntil: isoTimeOrNull(snapshot.allHeldUntil),
  returning: false,
  notice: snapshot.definition.notice,
  asOf: isoTime(asOf),
  version,
  pollAfterMs: pollAfterMs(null),
});

/** `at`: a moment that the fan knows more of than the snapshot, for whoever has just joined. */
export function waitingStatus(
  snapshot: QueueSnapshot,
  queueNumber: number,
  position: number,
  load = 1,
  at: Pick<QueueSnapshot, 'asOf' | 'version'> = snapshot,
): StatusAnswer {
  const told = status(snapshot, 'waiting', queueNumber, at);
  const estimate = estimateWait(snapshot.outlook, position);
  // Set in place: a copy costs a microsecond, at every join.
  told.waiting = Math.max(told.waiting as number, position);
  told.position = position;
  told.ahead = position - 1;
  told.estimate = estimate;
  told.pollAfterMs = pollAfterOf(snapshot, position, estimate, load);
  return told;
}

export const pollAfterOf = (
  { definition }: QueueSnapshot,
  position: number,
  estimate: Estimate | null,
  load: number,
): number =>
  pollAfterMs(
    estimate?.lowSeconds ?? Math.min(position, UNKNOWN_WAIT_SECONDS_MAX),
    load,
    longestPollMs(definition),
  );

/** Whoever asks as they are told to neither counts as absent nor misses a turn. */
const longestPollMs = ({ graceSeconds, claimSeconds }: QueueSnapshot['definition']): number =>
  Math.min(LONGEST_POLL_MS, (graceSeconds * 1000) / POLLS_PER_GRACE, (claimSeconds * 1000) / POLLS_PER_TURN);

/**
 * Whether a fan without a number is in the lobby, by this process's memory: Redis has said so once, and nobody has left
 * since whom this process does not know. Once at least each is asked about, for a Redis that went back may not know them.
 */
const isKnownInLobby = (
  { state, version, leavers, lobbyLeft, inLobby, ...snapshot }: QueueSnapshot,
  { queueNumber, entry }: QueueTicket,
  seenVersion: number,
): boolean =>
  queueNumber === null &&
  (state === 'lobby' || isUndrawn(snapshot)) &&
  version >= seenVersion &&
  leavers.size === lobbyLeft &&
  !leavers.has(entry) &&
  inLobby.has(entry);

function rememberInLobby({ inLobby }: QueueSnapshot, entry: string): void {
  if (inLobby.size >= IN_LOBBY_MAX) inLobby.clear();
  inLobby.add(entry);
}

/** Frozen, and nobody of it has a number yet. */
const isUndrawn = ({ drawState }: Pick<QueueSnapshot, 'drawState'>): boolean =>
  drawState === 'frozen' || drawState === 'awaitingBeacon';

const lobbyStatus = (snapshot: QueueSnapshot, load: number): StatusAnswer => ({
  ...status(snapshot, 'lobby', null),
  waiting: snapshot.lobby,
  pollAfterMs:
    snapshot.drawState === 'awaitingBeacon'
      ? pollAfterOf(snapshot, UNKNOWN_WAIT_SECONDS_MAX, null, load)
      : pollAfterOpeningMs(
          Date.parse(snapshot.definition.opensAt) - snapshot.asOf,
          snapshot.lobby,
          longestPollMs(snapshot.definition),
        ),
});

/** The place is kept; where it is cannot be said at this moment. */
export const keptStatus = (
  snapshot: QueueSnapshot,
  { queueNumber }: Pick<QueueTicket, 'queueNumber'>,
  load: number,
): StatusAnswer => ({
  ...status(snapshot, queueNumber === null ? 'lobby' : 'waiting', queueNumber),
  waiting: null,
  pollAfterMs: pollAfterOf(snapshot, UNKNOWN_WAIT_SECONDS_MAX, null, load),
});

export const endedStatus = (
  snapshot: QueueSnapshot,
  queueNumber: number | null,
  load: number,
): StatusAnswer => ({
  ...status(snapshot, 'closed', queueNumber),
  pollAfterMs: pollAfterOf(snapshot, UNKNOWN_WAIT_SECONDS_MAX, null, load),
});

/** While Redis is away a fan who was waiting is told so: the place is kept, the position is not known. */
function placeIsKept(
  { presence, load }: Queue,
  snapshot: QueueSnapshot | null,
  ticket: QueueTicket,
  error: unknown,
): StatusAnswer {
  const away = error instanceof Problem && error.code === 'unavailable';
  if (!away || !snapshot) throw error;
  const { queueNumber } = ticket;
  const waited = queueNumber === null || positionOf(snapshot.bits, queueNumber) !== null;
  const isNewer = queueNumber !== null && queueNumber > snapshot.lastNumber;
  if (!waited && !isNewer) throw error;
  // Other gateways may reach Redis, and there the clock of absence goes on: this fan has shown up.
  if (queueNumber !== null) presence.mark(snapshot.definition.sale, queueNumber);
  const kept = hasEnded(snapshot.state)
    ? endedStatus(snapshot, queueNumber, load.factor())
    : keptStatus(snapshot, ticket, load.factor());
  return { ...kept, waiting: isCurrent(snapshot) ? kept.waiting : null };
}
