import type { DrawAnswer } from '#shared/contract/queue.ts';
import { saleKey } from '../redis/keys.ts';
import { redisProblem, type Store, saleScript } from '../redis/script.ts';
import { drawOrder, lobbyDigest } from './order.ts';

/** Equal to SLICE in prelude.lua. */
const PLACE_SLICE = 500;
const READ_SLICE = 5_000;
const DRAWS_REMEMBERED_MAX = 20;

const place = saleScript<number>(new URL('./place.lua', import.meta.url));

/**
 * Writes the drawn order into the queue, slice by slice from the front. The frozen lobby stays whole until the last slice
 * is written, so any process can do it, take it up where another died, or do it at the same time as another.
 */
export async function writeDraw(store: Store, sale: string): Promise<void> {
  const lobby = await readFrozenLobby(store, sale);
  // Not whole: another process has just written the last slice.
  if (!lobby) return;
  const digest = await lobbyDigest(lobby.ids);
  let placed = 0;
  let offset = 0;
  for await (const slice of inSlices(drawOrder(lobby.seed, digest, lobby.ids), PLACE_SLICE)) {
    if (offset >= placed) placed = await place(store, sale, [offset, digest.toString('hex'), ...slice]);
    offset += slice.length;
  }
}

async function readFrozenLobby(store: Store, sale: string): Promise<{ seed: Buffer; ids: string[] } | null> {
  try {
    const ids = new Set<string>();
    let cursor = '0';
    do {
      const [next, page] = await store.redis.sscan(saleKey(sale, 'frozen'), cursor, 'COUNT', READ_SLICE);
      for (const id of page) ids.add(id);
      cursor = next;
    } while (cursor !== '0');
    const [seed, entries] = await store.redis.hmget(saleKey(sale, 'draw'), 'seed', 'entries');
    return ids.size > 0 && ids.size === Number(entries)
      ? { seed: Buffer.from(seed ?? '', 'hex'), ids: [...ids] }
      : null;
  } catch (error) {
    throw redisProblem(error);
  }
}

/** The same ids in slices of exactly `size`, but for the last. */
async function* inSlices(source: AsyncIterable<string[]>, size: number): AsyncGenerator<string[]> {
  let rest: string[] = [];
  for await (const ids of source) {
    rest = rest.concat(ids);
    while (rest.length >= size) {
      yield rest.slice(0, size);
      rest = rest.slice(size);
    }
  }
  if (rest.length > 0) yield rest;
}

/**
 * What is public about a sale's draw at this moment. The seed and the order stay secret until the order is written; from
 * then on nothing changes, and it is remembered.
 */
export function readDraws(store: Store): (sale: string) => Promise<DrawAnswer> {
  const drawn = new Map<string, DrawAnswer>();
  return async (sale) => {
    const known = drawn.get(sale);
    if (known) return known;
    try {
      const draw = await store.redis.hgetall(saleKey(sale, 'draw'));
      const answer: DrawAnswer = {
        sale,
        state: (draw.state ?? 'none') as DrawAnswer['state'],
        commitment: draw.commitment ?? null,
        digest: draw.digest ?? null,
        seed: null,
        beacon: null,
        ids: null,
      };
      if (draw.state !== 'drawn') return answer;
      answer.seed = draw.seed ?? null;
      answer.ids = await readDrawnIds(store, sale);
      if (drawn.size >= DRAWS_REMEMBERED_MAX) drawn.delete(drawn.keys().next().value as string);
      drawn.set(sale, answer);
      return answer;
    } catch (error) {
      throw redisProblem(error);
    }
  };
}

async function readDrawnIds(store: Store, sale: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const page = await store.redis.lrange(saleKey(sale, 'drawn'), ids.length, ids.length + READ_SLICE - 1);
    ids.push(...page);
    if (page.length < READ_SLICE) return ids;
  }
}
