import type { Stop } from '#shared/every.ts';
import { saleKey } from '../redis/keys.ts';
import { redisProblem, type Store, saleScript } from '../redis/script.ts';
import { ID_BYTES, ID_LENGTH, textsOf } from './lobby-ids.ts';
import { createSorter, type LobbySorter } from './sorter.ts';

/** Equal to SLICE in prelude/call.lua. */
const PLACE_SLICE = 500;
/** Reading is cheap: this many keep Redis for about a millisecond. */
const READ_SLICE = 2_000;
/** So much of a large lobby is read in one go while it is open; the rest at the next look. */
const READS_AHEAD_MAX = 50;
/** How many ids travel from the sorting thread at once. */
const ORDER_SLICE = 20 * PLACE_SLICE;
/** A gateway that has not got on with a draw for so long is taken for dead: ten million ranks take less. */
const TAKE_UP_AFTER_MS = 3_000;

const readLobby = saleScript<(Buffer | number)[]>(new URL('./read-lobby.lua', import.meta.url), 'bytes');
const takeUp = saleScript<0 | 1>(new URL('./take-up.lua', import.meta.url));
const publishDigest = saleScript<string>(new URL('./publish-digest.lua', import.meta.url));
const place = saleScript<number>(new URL('./place.lua', import.meta.url));

/** A larger lobby is not read, while its draw is under way, by gateways that do not write it: they would slow it down. */
const READ_BESIDE_MAX = 50_000;

/** Those in which it is known, or can be read, who was in the lobby. */
const FROZEN_STATES = ['frozen', 'awaitingBeacon', 'drawing', 'drawn'];

/** Who was in a lobby when it was frozen: with the seed and the beacon that is the whole draw. */
export type FrozenLobby = {
  /** When, as the draw says it, which tells one freeze from another. */
  frozenAt: string;
  entries: number;
  digest: string;
  /** The ids in byte order, as the bytes they stand for. */
  ids: Uint8Array;
};

/** How far a lobby has been read. */
type Reading = {
  epoch: number;
  arrivals: number;
  lastId: Buffer;
  left: number;
  /** Of the thread that knows what has been read. */
  generation: number;
};

/** What this process does for the draws of its sales. Calls for one sale act one after another. */
export type Drawing = {
  /** Reads on in a lobby that is still open, so that at its freeze only the latest is missing. */
  readAhead: (sale: string) => Promise<void>;
  /**
   * Goes on with the draw of a frozen lobby: publishes its digest and, unless a beacon is waited for, writes the order,
   * slice by slice from the front. Any process can do it, take it up where another died, or do it at the same time as
   * another. `onFront` is called when there is somebody to give a turn to.
   */
  write: (sale: string, onFront?: () => Promise<unknown>) => Promise<void>;
  /** Whether nobody has got on with this draw lately; to whom it says so the draw is left for the next seconds. */
  takesUp: (sale: string) => Promise<boolean>;
  /** Who was in the frozen lobby, for the day Redis has lost it; null where that is not known, or not at this moment. */
  frozenLobby: (sale: string) => Promise<FrozenLobby | null>;
  /** Forgets what was read of a lobby. */
  forget: (sale: string) => Promise<void>;
  stop: Stop;
};

/** `placedAtOnce`: how many numbers are written down at once. */
export type DrawingLimits = { placedAtOnce: number; readBesideMax: number };

export function createDrawing(
  store: Store,
  limits: DrawingLimits = { placedAtOnce: PLACE_SLICE, readBesideMax: READ_BESIDE_MAX },
): Drawing {
  const sorter = createSorter();
  const readings = new Map<string, Reading>();
  const frozen = new Map<string, FrozenLobby>();
  const running = new Map<string, Promise<unknown>>();
  const asking = new Map<string, Promise<FrozenLobby | null>>();

  const alone = async <Result>(sale: string, act: () => Promise<Result>): Promise<Result> => {
    const before = running.get(sale)?.catch(() => undefined);
    const acting = before ? before.then(act) : act();
    running.set(sale, acting);
    try {
      return await acting;
    } finally {
      if (running.get(sale) === acting) running.delete(sale);
    }
  };

  const readingOf = async (sale: string, lobby: LobbySorter): Promise<Reading> => {
    const known = readings.get(sale);
    if (known && known.generation === sorter.generation()) return known;
    await lobby.forget();
    const fresh = {
      epoch: 0,
      arrivals: 0,
      lastId: Buffer.alloc(0),
      left: 0,
      generation: sorter.generation(),
    };
    readings.set(sale, fresh);
    return fresh;
  };

  const forget = async (sale: string): Promise<void> => {
    if (!readings.delete(sale)) return;
    await sorter.lobby(sale).forget();
  };

  /** Reads on to the end of the lobby, in at most so many slices. */
  const readOn = async (sale: string, slicesMax: number): Promise<void> => {
    const lobby = sorter.lobby(sale);
    let begunAnew = false;
    for (let slice = 0; slice < slicesMax; slice += 1) {
      const reading = await readingOf(sale, lobby);
      const reply = await readLobby(store, sale, [
        reading.arrivals,
        reading.lastId,
        reading.left,
        READ_SLICE,
        reading.epoch,
      ]);
      if (reply.length === 1) {
        // Once means that Redis has lost data; what was read since then is not lost again.
        if (begunAnew) throw new Error('the order of arrival in the lobby is broken');
        begunAnew = true;
        await forget(sale);
        continue;
      }
      const [arrivals, arrived, left, gone, epoch] = reply as [number, Buffer, number, Buffer, number];
      await Promise.all([
        arrived.length > 0 ? lobby.add(arrived) : null,
        gone.length > 0 ? lobby.remove(gone) : null,
      ]);
      if (arrived.length > 0) reading.lastId = Buffer.from(arrived.subarray(-ID_LENGTH));
      Object.assign(reading, { epoch, arrivals, left });
      if (arrived.length === 0 && gone.length === 0) return;
    }
  };

  /** What the draw has written already has gone from the frozen lobby; twice does no harm. */
  const readDrawn = async (sale: string): Promise<void> => {
    const lobby = sorter.lobby(sale);
    await readingOf(sale, lobby);
    for await (const bytes of drawnBytes(store, sale)) await lobby.add(textsOf(bytes));
  };

  /** The whole lobby into the thread; null when nobody is drawn from it any more, or when it is not whole itself. */
  const readWhole = async (
    sale: string,
    states: string[],
  ): Promise<{ lobby: LobbySorter; facts: Facts; digest: string } | null> => {
    const lobby = sorter.lobby(sale);
    for (let attempt = 1; ; attempt += 1) {
      await readOn(sale, Number.POSITIVE_INFINITY);
      let { entries, digest } = await lobby.digest();
      let facts = await readFacts(store, sale);
      if (facts.state === null || !states.includes(facts.state) || facts.isMissing) return null;
      if (entries !== facts.entries && facts.placed > 0) {
        await readDrawn(sale);
        ({ entries, digest } = await lobby.digest());
        facts = await readFacts(store, sale);
      }
      const isWhole = entries === facts.entries && (facts.digest === null || facts.digest === digest);
      if (isWhole) return { lobby, facts, digest };
      await forget(sale);
      // What was read ahead may be of a lobby that Redis has lost since; what was read just now is not.
      if (attempt > 1)
        throw new Error(`${entries} of the ${facts.entries} entries of a frozen lobby were found`);
    }
  };

  const keepFrozen = async (
    sale: string,
    { lobby, facts, digest }: { lobby: LobbySorter; facts: Facts; digest: string },
  ): Promise<FrozenLobby> => {
    const { frozenAt, entries } = facts;
    const kept = { frozenAt, entries, digest, ids: await lobby.all() };
    frozen.set(sale, kept);
    return kept;
  };

  const write = async (sale: string, onFront: () => Promise<unknown>): Promise<void> => {
    const whole = await readWhole(sale, ['frozen', 'drawing']);
    if (!whole) return;
    const { lobby, facts, digest } = whole;
    const state = await publishDigest(store, sale, [digest]);
    if (state !== 'drawing') return;
    const { seed, beacon } = await readFacts(store, sale);
    await lobby.arrange(drawKey(seed, digest, beacon));
    let { placed } = facts;
    while (placed < facts.entries) {
      const from = placed;
      const { texts, bytes } = await lobby.slice(from, ORDER_SLICE);
      const end = from + bytes.length / ID_BYTES;
      // Where another process has got further, this one goes on from there.
      while (placed < end) {
        const [at, size] = [placed - from, Math.min(limits.placedAtOnce, end - placed)];
        const next =
          (await place(store, sale, [
            facts.drawnFrom + placed,
            digest,
            bufferOf(texts, at * ID_LENGTH, size * ID_LENGTH),
            bufferOf(bytes, at * ID_BYTES, size * ID_BYTES),
          ])) - facts.drawnFrom;
        // Redis has lost what was written, or had another lobby: the next look begins anew.
        if (next <= placed) return forget(sale);
        if (placed === 0) await onFront();
        placed = next;
        // As soon as anybody has a number the whole order is safe; the first turn does not wait for it.
        if (frozen.get(sale)?.frozenAt !== facts.frozenAt) await keepFrozen(sale, whole);
      }
    }
    await forget(sale);
  };

  const findFrozen = async (sale: string): Promise<FrozenLobby | null> => {
    const facts = await readFacts(store, sale);
    const known = frozen.get(sale);
    if (known && known.frozenAt === facts.frozenAt) return known;
    if (facts.state === null || !FROZEN_STATES.includes(facts.state)) return null;
    const isUnderWay = facts.state === 'frozen' || facts.state === 'drawing';
    if (running.has(sale) || (isUnderWay && facts.entries > limits.readBesideMax)) return null;
    // A drawn order that has been lost is looked for no more.
    const isDrawn = facts.state === 'drawn';
    if (isDrawn && (await drawnCount(store, sale)) !== facts.entries) return null;
    return alone(sale, async () => {
      const whole = await readWhole(sale, FROZEN_STATES);
      const kept = whole && (await keepFrozen(sale, whole));
      if (isDrawn) await forget(sale);
      return kept;
    });
  };

  return {
    readAhead: (sale) => alone(sale, () => readOn(sale, READS_AHEAD_MAX)),

    write: (sale, onFront = async () => undefined) => alone(sale, () => write(sale, onFront)),

    frozenLobby(sale) {
      const asked = asking.get(sale) ?? findFrozen(sale).finally(() => asking.delete(sale));
      asking.set(sale, asked);
      return asked;
    },

    takesUp: async (sale) => (await takeUp(store, sale, [TAKE_UP_AFTER_MS])) === 1,

    forget: (sale) => {
      frozen.delete(sale);
      return alone(sale, () => forget(sale));
    },

    stop: sorter.stop,
  };
}

const bufferOf = (bytes: Uint8Array, at: number, length: number): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, length);

/**
 * The key of the draw's HMAC: the seed's 32 bytes, the 32 bytes of the lobby's digest, and the beacon's value as it was
 * published, in UTF-8; nothing in its place where there is none.
 */
const drawKey = (seed: string, digest: string, beacon: string): Uint8Array =>
  Buffer.concat([Buffer.from(seed, 'hex'), Buffer.from(digest, 'hex'), Buffer.from(beacon, 'utf8')]);

/** `entries` and `placed` count from where the draw begins, `drawnFrom` (gateway/recovery/settle-lobby.lua). */
type Facts = {
  state: string | null;
  frozenAt: string;
  isMissing: boolean;
  drawnFrom: number;
  seed: string;
  digest: string | null;
  beacon: string;
  entries: number;
  placed: number;
};

async function readFacts(store: Store, sale: string): Promise<Facts> {
  try {
    const [state, seed, digest, beacon, entries, placed, frozenAt, drawnFrom, missing] =
      await store.redis.hmget(
        saleKey(sale, 'draw'),
        ...(['state', 'seed', 'digest', 'beacon', 'entries', 'placed', 'frozenAt', 'drawnFrom'] as const),
        'lobbyMissing',
      );
    const from = Number(drawnFrom ?? 0);
    return {
      state: state ?? null,
      frozenAt: frozenAt ?? '',
      isMissing: missing !== null,
      drawnFrom: from,
      seed: seed ?? '',
      digest: digest ?? null,
      beacon: beacon ?? '',
      entries: Number(entries) - from,
      placed: Number(placed) - from,
    };
  } catch (error) {
    throw redisProblem(error);
  }
}

/** How many ids of the drawn order are in Redis. */
export async function drawnCount(store: Store, sale: string): Promise<number> {
  const bytes = await store.redis.strlen(saleKey(sale, 'drawn')).catch((error) => {
    throw redisProblem(error);
  });
  return bytes / ID_BYTES;
}

/** The drawn ids in their order, as the bytes they stand for, READ_SLICE at a time. */
export async function* drawnBytes(store: Store, sale: string): AsyncGenerator<Buffer> {
  for (let from = 0; ; from += READ_SLICE * ID_BYTES) {
    const to = from + READ_SLICE * ID_BYTES - 1;
    const bytes = await store.redis.getrangeBuffer(saleKey(sale, 'drawn'), from, to).catch((error) => {
      throw redisProblem(error);
    });
    if (bytes.length > 0) yield bytes;
    if (bytes.length < READ_SLICE * ID_BYTES) return;
  }
}
