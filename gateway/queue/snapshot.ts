import { type DrawState, SaleDefinition, type SaleState } from '#shared/contract/sale.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { type Outlook, outlookOf } from './estimate.ts';
import { indexWaitingBits, type WaitingBits } from './waiting-bits.ts';

/** What a gateway process remembers of a sale's queue, all of one moment. */
export type QueueSnapshot = {
  definition: SaleDefinition;
  state: SaleState;
  /** Rises with every change of who waits. */
  version: number;
  /** The highest queue number given so far. */
  lastNumber: number;
  /** Rises with every change of who waits, or of what became of anybody. */
  moves: number;
  /** The run of Redis that was the last to change anything, and how many moves there were when it began. */
  run: string;
  runBeganAt: number;
  /** As QueueMemory has them (gateway/recovery/memory.ts). */
  eras: string;
  birth: string;
  /** Rises whenever Redis has lost data. */
  epoch: number;
  /** Redis has lost data, and places are being brought back: no turn, no new number, no position. */
  recovering: boolean;
  lobby: number;
  /** Fans who have left the lobby so far, and which of them this process knows. */
  lobbyLeft: number;
  leavers: ReadonlySet<string>;
  /** Entries without a number that Redis has said are in the lobby, in this epoch: what status.ts need not ask again. */
  inLobby: Set<string>;
  waiting: number;
  ready: number;
  returning: number;
  admitted: number;
  /** Admissions that were brought back after a loss, and of which it is to be asked whether a payment goes on in them. */
  silent: number;
  turnsLastMinute: number;
  /** What the next turn waits for, as give-turns.lua last saw it; empty for nothing. */
  heldBackBy: string;
  /** While every remaining seat is on hold: when the next may return, epoch milliseconds; else null. */
  allHeldUntil: number | null;
  /** What can be said of waits; null for nothing. */
  outlook: Outlook | null;
  drawState: DrawState;
  /** Changes of settings that PostgreSQL has not recorded yet. */
  unsavedChanges: number;
  bits: WaitingBits;
  /** By Redis' clock, epoch milliseconds: the time that fans are shown. */
  asOf: number;
  /** By this process's own monotonic clock, milliseconds: the time by which staleness is judged. */
  readAt: number;
};

/** Beyond it polls of a lobby ask Redis again. */
const LEAVERS_MAX = 100_000;

const script = saleScript<(Buffer | number)[]>(new URL('./snapshot.lua', import.meta.url), 'bytes');

/** What snapshot.lua answers, by name. */
type SnapshotReply = {
  now: number;
  state: Buffer;
  version: number;
  lastNumber: number;
  moves: number;
  run: Buffer;
  runBeganAt: number;
  eras: Buffer;
  birth: Buffer;
  epoch: number;
  recovering: 0 | 1;
  lobby: number;
  lobbyLeft: number;
  waiting: number;
  ready: number;
  returning: number;
  admitted: number;
  silent: number;
  turnsLastMinute: number;
  allHeldUntil: number;
  seatsLeft: number;
  heldBackBy: Buffer;
  pace: Buffer;
  drawState: Buffer;
  unsavedChanges: number;
  leaversBefore?: number;
  leavers?: Buffer;
  bits?: Buffer;
  definition?: Buffer;
};

/**
 * Reads a sale's snapshot; bits and definition travel only when they differ from those of `known`. Null when the sale is
 * not in Redis. `readAt` is taken before the call: a snapshot is never younger than it claims.
 */
export async function readSnapshot(
  store: Store,
  sale: string,
  known: QueueSnapshot | null,
): Promise<QueueSnapshot | null> {
  const readAt = performance.now();
  const pairs = await script(store, sale, [
    known?.version ?? -1,
    known?.definition.version ?? 0,
    known && known.leavers.size >= LEAVERS_MAX ? -1 : (known?.leavers.size ?? 0),
  ]);
  if (pairs.length === 1) return null;
  const reply: Record<string, Buffer | number | undefined> = {};
  for (let i = 0; i < pairs.length; i += 2) reply[String(pairs[i])] = pairs[i + 1];
  const {
    now,
    run,
    eras,
    birth,
    recovering,
    heldBackBy,
    seatsLeft,
    pace,
    drawState,
    leaversBefore = 0,
    leavers,
    bits,
    definition: packed,
    ...figures
  } = reply as SnapshotReply;
  const same = known?.epoch === figures.epoch ? known : null;
  const definition = packed ? SaleDefinition.parse(JSON.parse(packed.toString())) : known!.definition;
  const state = figures.state.toString() as SaleState;
  const allHeldUntil = figures.allHeldUntil || null;
  return {
    ...figures,
    definition,
    state,
    allHeldUntil,
    heldBackBy: heldBackBy.toString(),
    outlook: outlookOf({
      ...figures,
      state,
      allHeldUntil,
      capacity: definition.capacity,
      heldBackBy: heldBackBy.toString(),
      seatsLeft,
      pace: pace.toString(),
    }),
    leavers: leavers ? leaversOf(leaversBefore > 0 ? same : null, leavers) : (same?.leavers ?? new Set()),
    inLobby: same?.inLobby ?? new Set(),
    run: run.toString(),
    eras: eras.toString(),
    birth: birth.toString(),
    recovering: recovering === 1,
    drawState: drawState.toString() as DrawState,
    bits: bits ? indexWaitingBits(bits) : known!.bits,
    asOf: now,
    readAt,
  };
}

/** Adds to the set of the snapshot before, which has its place taken by the next; begins a new one without any. */
function leaversOf(before: QueueSnapshot | null, ids: Buffer): ReadonlySet<string> {
  const all = (before?.leavers ?? new Set<string>()) as Set<string>;
  for (const id of ids.toString('latin1').split(' ')) if (id !== '') all.add(id);
  return all;
}
