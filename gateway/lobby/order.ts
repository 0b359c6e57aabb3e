import { createHash, createHmac } from 'node:crypto';
import { setImmediate as othersTurn } from 'node:timers/promises';

/** So much is worked on at a time that polls in between wait a few milliseconds at most. */
const IDS_AT_A_TIME = 1_000;
const BUCKETS = 1_024;

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** SHA-256 over the ids in byte order, joined by line feeds: what the lobby was when it was frozen. */
export async function lobbyDigest(ids: string[]): Promise<Buffer> {
  const hash = createHash('sha256');
  let first = true;
  for await (const slice of inOrder(ids, (id) => id.charCodeAt(0) * 4 + (id.charCodeAt(1) >> 5), byBytes)) {
    hash.update(`${first ? '' : '\n'}${slice.join('\n')}`);
    first = false;
  }
  return hash.digest();
}

/**
 * The order of the draw: ascending by HMAC-SHA256(seed ‖ digest, id), slice by slice from the front. The commitment binds
 * the seed before anybody enters, the digest binds the lobby before the seed is known, so neither fans nor a late change
 * can steer it. Works in small steps: a lobby of a million keeps nobody else waiting.
 */
export async function* drawOrder(seed: Buffer, digest: Buffer, ids: string[]): AsyncGenerator<string[]> {
  const key = Buffer.concat([seed, digest]);
  const ranks = new Map<string, string>();
  for (const [i, id] of ids.entries()) {
    ranks.set(id, createHmac('sha256', key).update(id).digest().toString('latin1'));
    if (i % IDS_AT_A_TIME === 0) await othersTurn();
  }
  const rank = (id: string) => ranks.get(id) as string;
  const firstTenBits = (id: string) => rank(id).charCodeAt(0) * 4 + (rank(id).charCodeAt(1) >> 6);
  yield* inOrder(ids, firstTenBits, (a, b) => byBytes(rank(a), rank(b)));
}

/** Sorted by buckets, which must ascend with the order. */
async function* inOrder(
  ids: string[],
  bucketOf: (id: string) => number,
  compare: (a: string, b: string) => number,
): AsyncGenerator<string[]> {
  const buckets: string[][] = Array.from({ length: BUCKETS }, () => []);
  for (const [i, id] of ids.entries()) {
    buckets[bucketOf(id)]?.push(id);
    if (i % IDS_AT_A_TIME === 0) await othersTurn();
  }
  for (const bucket of buckets) {
    if (bucket.length === 0) continue;
    yield bucket.sort(compare);
    await othersTurn();
  }
}
