import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import type { Drawing, FrozenLobby } from '../lobby/draw.ts';
import { beginRecovery } from '../queue/begin-recovery.ts';
import type { Guard } from '../queue/watch.ts';
import { type HeardMoment, isBehind, type Moment } from '../redis/heard.ts';
import type { Store } from '../redis/script.ts';
import type { LobbyFiles } from './lobby-files.ts';
import { type QueueMemory, readMemory, type SeenQueue } from './memory.ts';
import type { MemoryFiles } from './memory-files.ts';
import { ofDraw, restoreQueue, settleLobby } from './restore.ts';

const LOOK_INTERVAL_MS = 200;
/**
 * Nothing is brought back in a recovery before a gateway has known of it for so long. One that has slept through a whole
 * recovery before may have begun this one, in the epoch of that: whoever remembers that one begins another first, for all
 * look within this time (watch.ts).
 */
const QUIET_MS = 1_000;
/** What large queues cost: a million numbers are 625 KB, read every 1.2 s while anything changes. */
const BYTES_PER_SECOND_MAX = 512 * 1024;
const WRITE_INTERVAL_MS = 2_000;
/** A file is written as a whole: a very large one, of a hundred thousand uses of access codes, less often. */
const WRITTEN_BYTES_PER_SECOND_MAX = 4 * 1024 * 1024;
/** A lobby's file that is not there is looked for so often: all of a sale's are read for it. */
const FILE_LOOK_INTERVAL_MS = 2_000;

type Kept = {
  /** All of one moment; null before the first. */
  memory: QueueMemory | null;
  /** What other gateways' files say, or this one's of an epoch before: to be brought back should there be a recovery. */
  others: QueueMemory[];
  /** The newest snapshot of the memory's epoch: newer than the memory by a moment. */
  newest: SeenQueue | null;
  /** Who was in the lobby when it was frozen; null before. */
  lobby: FrozenLobby | null;
  lobbyWritten: FrozenLobby | null;
  lobbyLookedFor: { frozenAt: string; at: number } | null;
  /** `metAt`: when this gateway first met the epoch, by performance.now(). */
  now: { epoch: number; recovering: boolean; metAt: number } | null;
  restoredEpoch: number;
  readAt: number;
  writtenAt: number;
  writtenMark: string;
};

/**
 * Remembers every queue, in this process and on disk; sees when Redis has lost data, and then brings back what this gateway
 * remembers.
 */
export type MemoryKeeper = {
  /** For watchQueues: judges every snapshot. */
  guard: Guard;
  /** Does at once what is done several times a second: brings back what is to be brought back, and remembers. */
  look: (sale: string) => Promise<void>;
  stop: Stop;
};

/** What reads frozen lobbies and writes their draws, and where it is kept who was in them; null for nowhere. */
export type Lobbies = { drawing: Pick<Drawing, 'frozenLobby' | 'write'>; files: LobbyFiles | null };

export async function keepMemory(
  store: Store,
  files: MemoryFiles | null,
  { drawing, files: lobbyFiles }: Lobbies,
  log: Log,
  { quietMs }: { quietMs: number } = { quietMs: QUIET_MS },
): Promise<MemoryKeeper> {
  const queues = new Map<string, Kept>();
  const keptOf = (sale: string): Kept => {
    const known = queues.get(sale);
    if (known) return known;
    const kept: Kept = {
      memory: null,
      others: [],
      newest: null,
      lobby: null,
      lobbyWritten: null,
      lobbyLookedFor: null,
      now: null,
      restoredEpoch: 0,
      readAt: Number.NEGATIVE_INFINITY,
      writtenAt: Number.NEGATIVE_INFINITY,
      writtenMark: '',
    };
    queues.set(sale, kept);
    return kept;
  };
  for (const [sale, [memory, ...others]] of (await files?.readAll()) ?? [])
    Object.assign(keptOf(sale), { memory, others });

  /** All that is known of a queue by now: what Redis had answered to earlier reads, and what it had answered besides. */
  const knownOf = (sale: string): Moment[] => {
    const known = queues.get(sale);
    const remembered = known ? [known.memory, known.newest, ...known.others] : [];
    // Copied: what is answered meanwhile may be newer than what is read.
    const heard = (store.heard?.of(sale) ?? []).map((moment) => ({ ...moment }));
    return [...remembered.filter((moment) => moment !== null), ...heard];
  };

  const guard: Guard = (sale) => {
    // When the read begins: answers to later reads may be here before its own.
    const before = knownOf(sale);
    return async (snapshot) => {
      const seen: SeenQueue = { ...snapshot, bits: snapshot.bits.bytes };
      if (before.some((moment) => isBehind(seen, moment))) {
        const loss = {
          epoch: seen.epoch,
          seenEpoch: Math.max(...before.map(({ epoch }) => epoch)),
          seenVersion: Math.max(...before.map(({ version }) => version)),
        };
        await beginRecovery(store, sale, loss, log);
        return false;
      }
      const kept = keptOf(sale);
      const metAt = kept.now?.epoch === seen.epoch ? kept.now.metAt : performance.now();
      kept.now = { epoch: seen.epoch, recovering: snapshot.recovering, metAt };
      const { memory, newest } = kept;
      const isOfMemory = memory === null || memory.epoch === seen.epoch;
      if (isOfMemory && (newest === null || !isBehind(seen, newest))) kept.newest = seen;
      return true;
    };
  };

  /** Who was in the frozen lobby of a remembered draw, as far as is known. */
  const lobbyOf = async (sale: string, kept: Kept, memory: QueueMemory): Promise<FrozenLobby | null> => {
    const frozenAt = ofDraw(memory, 'frozenAt');
    const { lobbyLookedFor: last } = kept;
    const isLookedFor = last?.frozenAt === frozenAt && performance.now() - last.at < FILE_LOOK_INTERVAL_MS;
    if (frozenAt !== null && kept.lobby?.frozenAt !== frozenAt && !isLookedFor) {
      kept.lobbyLookedFor = { frozenAt, at: performance.now() };
      kept.lobby = (await lobbyFiles?.read(sale, frozenAt)) ?? kept.lobby;
    }
    return kept.lobby?.frozenAt === frozenAt ? kept.lobby : null;
  };

  const restore = async (sale: string, kept: Kept, epoch: number): Promise<void> => {
    const { memory, newest, others } = kept;
    const bring = async (earlier: QueueMemory, newer: SeenQueue | null): Promise<boolean> => {
      const lobby = await lobbyOf(sale, kept, earlier);
      const isSince = (moment: HeardMoment) => moment.epoch >= earlier.epoch && moment.epoch < epoch;
      const heard = store.heard?.of(sale).filter(isSince) ?? [];
      const remembered = { memory: earlier, newer, heard, lobby };
      const brought = await restoreQueue(store, sale, epoch, remembered, drawing);
      if (brought === 'later' || brought === null) return false;
      log.warn(
        { sale, epoch, of: earlier.epoch, brought },
        'what is remembered of a queue has been brought back',
      );
      return true;
    };
    const isDue = memory !== null && memory.epoch < epoch && kept.restoredEpoch !== epoch;
    if (isDue && (await bring(memory, newest))) kept.restoredEpoch = epoch;
    const left: QueueMemory[] = [];
    for (const other of others) if (other.epoch < epoch && !(await bring(other, null))) left.push(other);
    kept.others = left;
  };

  /** Asks who was in a frozen lobby until it is known: once for each freeze. */
  const rememberLobby = async (sale: string, kept: Kept): Promise<void> => {
    const frozenAt = kept.memory && ofDraw(kept.memory, 'frozenAt');
    if (!frozenAt || kept.lobby?.frozenAt === frozenAt) return;
    // Where it cannot be read everything else is remembered all the same.
    const lobby = await drawing.frozenLobby(sale).catch((error: unknown) => {
      log.warn({ err: error, sale }, 'who is in a frozen lobby could not be read');
      return null;
    });
    if (lobby?.frozenAt === frozenAt) kept.lobby = lobby;
  };

  const look = async (sale: string, kept: Kept, readsAtOnce = false): Promise<void> => {
    const { memory, now } = kept;
    if (now === null) return;
    if (now.recovering) {
      if (performance.now() - now.metAt >= quietMs) await restore(sale, kept, now.epoch);
      await settleLobby(store, sale, now.epoch);
    } else kept.others = [];
    await rememberLobby(sale, kept);
    const isEarly = memory !== null && performance.now() - kept.readAt < readIntervalMs(memory);
    if (isEarly && !readsAtOnce) return;
    kept.readAt = performance.now();
    const before = knownOf(sale);
    const fresh = await readMemory(store, sale, memory);
    // One that is behind is no memory of the queue: the next snapshot begins a recovery.
    if (fresh === null || fresh === memory || before.some((moment) => isBehind(fresh, moment))) return;
    // Nothing of an earlier epoch is forgotten before it has been brought back, or cannot be any more.
    const isDone = fresh.epoch === now.epoch && (!now.recovering || kept.restoredEpoch === now.epoch);
    if (memory !== null && fresh.epoch !== memory.epoch && !isDone) return;
    if (kept.newest !== null && kept.newest.epoch !== fresh.epoch) kept.newest = null;
    kept.memory = fresh;
    store.heard?.forget(sale, fresh);
    await rememberLobby(sale, kept);
  };

  const write = async (sale: string, kept: Kept): Promise<void> => {
    if (!files || kept.memory === null || kept.memory.mark === kept.writtenMark) return;
    const { memory } = kept;
    kept.writtenAt = performance.now();
    await files.write(sale, memory);
    kept.writtenMark = memory.mark;
    if (kept.lobby !== null) await lobbyFiles?.keep(sale);
  };

  const writeLobby = async (sale: string, { lobby, ...kept }: Kept): Promise<void> => {
    if (!lobbyFiles || lobby === null || lobby === kept.lobbyWritten) return;
    await lobbyFiles.write(sale, lobby);
    keptOf(sale).lobbyWritten = lobby;
  };

  const report = (error: unknown) => log.warn({ err: error }, 'a queue could not be remembered');
  const stopLooking = everyEach(
    LOOK_INTERVAL_MS,
    () => [...queues.keys()],
    async (sale) => {
      const kept = keptOf(sale);
      await look(sale, kept);
      await writeLobby(sale, kept);
      if (performance.now() - kept.writtenAt >= writeIntervalMs(kept.memory)) await write(sale, kept);
    },
    report,
  );

  return {
    guard,
    async look(sale) {
      await look(sale, keptOf(sale), true);
    },
    async stop() {
      await stopLooking();
      const last = async ([sale, kept]: [string, Kept]) => {
        await look(sale, kept, true).catch(report);
        await writeLobby(sale, kept).catch(report);
        await write(sale, kept).catch(report);
      };
      await Promise.all([...queues].map(last));
    },
  };
}

const readIntervalMs = ({ bits, states }: QueueMemory): number =>
  Math.max(LOOK_INTERVAL_MS, ((bits.length + states.length) * 1000) / BYTES_PER_SECOND_MAX);

const writeIntervalMs = (memory: QueueMemory | null): number =>
  Math.max(WRITE_INTERVAL_MS, ((memory?.codes.length ?? 0) * 1000) / WRITTEN_BYTES_PER_SECOND_MAX);
