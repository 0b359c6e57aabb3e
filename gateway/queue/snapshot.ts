import { SaleDefinition, type SaleState } from '#shared/contract/sale.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { indexWaitingBits, type WaitingBits } from './waiting-bits.ts';

export type DrawState = 'none' | 'committed' | 'drawing' | 'drawn';

/** What a gateway process remembers of a sale's queue, all of one moment. */
export type QueueSnapshot = {
  definition: SaleDefinition;
  state: SaleState;
  /** Rises with every change of who waits. */
  version: number;
  /** The highest queue number given so far. */
  lastNumber: number;
  lobby: number;
  /** Fans who have left the lobby so far. */
  lobbyLeft: number;
  waiting: number;
  ready: number;
  returning: number;
  admitted: number;
  turnsLastMinute: number;
  drawState: DrawState;
  /** Changes of settings that PostgreSQL has not recorded yet. */
  unsavedChanges: number;
  bits: WaitingBits;
  /** By Redis' clock, epoch milliseconds: the time that fans are shown. */
  asOf: number;
  /** By this process's own monotonic clock, milliseconds: the time by which staleness is judged. */
  readAt: number;
};

const script = saleScript<[Buffer] | SnapshotReply>(new URL('./snapshot.lua', import.meta.url), 'bytes');

type SnapshotReply = [
  now: number,
  state: Buffer,
  changes: number,
  next: number,
  waiting: number,
  ready: number,
  admitted: number,
  turnsLastMinute: number,
  drawState: Buffer,
  unsaved: number,
  soldOut: number,
  saleVersion: number,
  definition: Buffer,
  bits: Buffer | null,
  lobby: number,
  returning: number,
  lobbyLeft: number,
];

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
  const reply = await script(store, sale, [known?.version ?? -1, known?.definition.version ?? 0]);
  if (reply.length === 1) return null;
  const [now, state, changes, next, waiting, ready, admitted, turns, drawState, unsaved] = reply;
  const [, , , , , , , , , , , , definition, bits, lobby, returning, lobbyLeft] = reply;
  return {
    definition:
      definition.length > 0 ? SaleDefinition.parse(JSON.parse(definition.toString())) : known!.definition,
    state: state.toString() as SaleState,
    version: changes,
    lastNumber: next,
    lobby,
    lobbyLeft,
    waiting,
    ready,
    returning,
    admitted,
    turnsLastMinute: turns,
    drawState: drawState.toString() as DrawState,
    unsavedChanges: unsaved,
    bits: bits ? indexWaitingBits(bits) : known!.bits,
    asOf: now,
    readAt,
  };
}
