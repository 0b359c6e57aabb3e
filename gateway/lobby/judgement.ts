/**
 * What can be said of a published draw by whoever computes it again. The rules are written down here once, for the page
 * in the reader's browser and for `npm run verify-draw`, so that the two cannot disagree. They call nothing that made the
 * draw; hashing is handed in, and so are the pauses that a page needs and the words of its language.
 */
export type Means = {
  /** In hex, lower case. */
  sha256: (bytes: Uint8Array<ArrayBuffer>) => Promise<string> | string;
  /** HMAC-SHA256 under one key: its 32 bytes, which the next call may overwrite. */
  hmacSha256: (key: Uint8Array) => (message: Uint8Array) => Uint8Array;
  /** Lets a page draw and answer; progress counts from 0 to 1. */
  pause: (done: number) => Promise<void>;
  /** The sentence of a step, with what stands in its places. */
  say: (step: StepName, places?: Record<string, string | number>) => string;
};

export type StepName =
  | 'otherSale'
  | 'unpublished'
  | 'seed'
  | 'wrongSeed'
  | 'recommitted'
  | 'closedAgain'
  | 'order'
  | 'orderWithBeacon'
  | 'wrongOrder'
  | 'wrongCount'
  | 'notAnId'
  | 'ids'
  | 'wrongIds'
  | 'noBeacon'
  | 'unnamedBeacon'
  | 'withoutBeacon'
  | 'withdrawnBeacon'
  | 'missingBeacon'
  | 'beaconAfter'
  | 'beaconBefore'
  | 'beaconBeforeUntold'
  | 'beaconTooEarly';

/** Of `GET /api/sales/:sale/draw` what is judged. */
export type PublicDraw = {
  sale: string;
  commitment: string | null;
  recommittedAt: string | null;
  closedAgain: boolean;
  digest: string | null;
  seed: string | null;
  beaconSource: { name: string; from: string } | null;
  beacon: string | null;
  withoutBeacon: { reason: string } | null;
  entries: number | null;
  frozenAt: string | null;
  digestAt: string | null;
  beaconAt: string | null;
  ids: string[] | null;
};

export type Step = { kind: 'proven' | 'broken' | 'open'; text: string };

/** 64 bits in base64url. Anything else could be two ids, with the line feed that parts them in the lobby's text. */
const ENTRY_ID = /^[\w-]{11}$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;
const RANK_BYTES = 32;
const LINE_FEED = 10;

const encoder = new TextEncoder();

const broken = (text: string): Step => ({ kind: 'broken', text });
const open = (text: string): Step => ({ kind: 'open', text });
const judged = (holds: boolean, proven: string, wrong: string): Step =>
  holds ? { kind: 'proven', text: proven } : broken(wrong);

/** What a draw that is said to be the one of `sale` proves, and what is wrong with it, step by step. */
export async function* judgeDraw(sale: string, draw: PublicDraw, means: Means): AsyncGenerator<Step> {
  const { seed, commitment, digest, ids, beacon, entries } = draw;
  const { say } = means;
  if (draw.sale !== sale) yield broken(say('otherSale', { given: draw.sale, sale }));
  if (seed === null || ids === null || !SHA256_HEX.test(seed)) {
    yield broken(say('unpublished'));
    return;
  }
  const seedBytes = fromHex(seed);
  yield judged((await means.sha256(seedBytes)) === commitment, say('seed'), say('wrongSeed'));
  if (draw.recommittedAt !== null) yield open(say('recommitted', { at: draw.recommittedAt }));
  if (draw.closedAgain) yield open(say('closedAgain'));
  yield* judgeLobby(draw, ids, means);
  const key = [...seedBytes, ...fromHex(digest ?? ''), ...encoder.encode(beacon ?? '')];
  const wrong = await wrongNumber(ids, Uint8Array.from(key), means);
  yield judged(
    wrong === 0,
    say(beacon === null ? 'order' : 'orderWithBeacon'),
    say('wrongOrder', { number: wrong }),
  );
  if (entries !== 0) yield* judgeBeacon(draw, say);
}

async function* judgeLobby(
  { entries, digest }: PublicDraw,
  ids: string[],
  { sha256, pause, say }: Means,
): AsyncGenerator<Step> {
  const drawn = ids.length;
  if (drawn !== entries) yield broken(say('wrongCount', { entries: entries ?? 0, drawn }));
  const stranger = ids.findIndex((id) => !ENTRY_ID.test(id));
  if (stranger !== -1) {
    yield broken(say('notAnId', { number: stranger + 1 }));
    return;
  }
  yield judged(
    (await sha256(await lobbyText(ids, pause))) === digest,
    say('ids', { drawn }),
    say('wrongIds'),
  );
}

/** The ids in byte order, joined by line feeds. */
async function lobbyText(ids: string[], pause: Means['pause']): Promise<Uint8Array<ArrayBuffer>> {
  const buckets = new Map<string, string[]>();
  let length = Math.max(0, ids.length - 1);
  for (const [i, id] of ids.entries()) {
    const begin = id.slice(0, 2);
    const bucket = buckets.get(begin);
    if (bucket) bucket.push(id);
    else buckets.set(begin, [id]);
    length += id.length;
    if (i % 1_000 === 0) await pause((0.15 * i) / ids.length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const begin of [...buckets.keys()].sort()) {
    for (const id of buckets.get(begin)?.sort() ?? []) {
      if (at > 0) bytes[at++] = LINE_FEED;
      for (let i = 0; i < id.length; i += 1) bytes[at++] = id.charCodeAt(i);
    }
    await pause(0.15 + (0.15 * at) / length);
  }
  return bytes;
}

/** The first number that stands where the rule does not put it; 0 when all stand right. Equal ids have no order. */
async function wrongNumber(ids: string[], key: Uint8Array, { hmacSha256, pause }: Means): Promise<number> {
  const rankOf = hmacSha256(key);
  const before = new Uint8Array(RANK_BYTES);
  for (const [i, id] of ids.entries()) {
    const rank = rankOf(encoder.encode(id));
    let at = 0;
    while (at < RANK_BYTES - 1 && rank[at] === before[at]) at += 1;
    if (i > 0 && (rank[at] as number) <= (before[at] as number)) return i + 1;
    before.set(rank);
    if (i % 100 === 0) await pause(0.3 + (0.7 * i) / ids.length);
  }
  return 0;
}

/**
 * A public value is mixed in exactly when one was named and not withdrawn. It keeps whoever runs the sale from choosing
 * the outcome only if the lobby stood before anybody could know the value: by the published times, which whoever noted the
 * digest can judge.
 */
function* judgeBeacon(draw: PublicDraw, say: Means['say']): Generator<Step> {
  const { beacon, beaconSource, withoutBeacon, frozenAt, digestAt, beaconAt } = draw;
  if (!beaconSource) {
    yield judged(beacon === null, say('noBeacon'), say('unnamedBeacon'));
    return;
  }
  const { name, from } = beaconSource;
  if (withoutBeacon) {
    const { reason } = withoutBeacon;
    yield beacon === null
      ? open(say('withoutBeacon', { name, reason }))
      : broken(say('withdrawnBeacon', { name }));
    return;
  }
  if (beacon === null) {
    yield broken(say('missingBeacon', { name }));
    return;
  }
  const knownFrom = Date.parse(from);
  const late = [frozenAt, digestAt].find((at) => at === null || !(Date.parse(at) < knownFrom));
  yield judged(
    late === undefined,
    say('beaconAfter'),
    late ? say('beaconBefore', { from, late }) : say('beaconBeforeUntold', { from }),
  );
  if (beaconAt !== null && !(Date.parse(beaconAt) >= knownFrom))
    yield broken(say('beaconTooEarly', { at: beaconAt }));
}

const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
