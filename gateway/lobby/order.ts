import { createHash } from 'node:crypto';
import { hmacSha256, hmacStates } from '#shared/sha256.ts';
import { ID_BYTES, ID_LENGTH, writeBytes, writeOrdered, writeText } from './lobby-ids.ts';
import { GROUPS_MAX, type RankFour, rankFour } from './rank-four.ts';

const FIRST_CAPACITY = 4_096;
const LINES_AT_A_TIME = 4_096;
const LINE_FEED = 10;

/** Entries in the order of the draw: their ids as texts and as bytes, each one behind the other. */
export type Ordered = { texts: Uint8Array<ArrayBuffer>; bytes: Uint8Array<ArrayBuffer> };

/**
 * The ids of one lobby and what a draw makes of them. It is asked in this order: add and remove, as often as one likes
 * and in any order; digest; all, or arrange and slice. A million ids take 20 MB and, all in all, less than a second; it belongs
 * into a thread of its own (sorter.ts).
 */
export type LobbyOrder = ReturnType<typeof lobbyOrder>;

export function lobbyOrder(four: RankFour | null = rankFour()) {
  let entered = idList();
  let left = idList();
  let order: BigUint64Array = new BigUint64Array(0);
  let indexBits = 0;

  /** Whoever entered and did not leave, in byte order, once each. */
  const settle = (): void => {
    const ids = entered.all().sort();
    const gone = left.all().sort();
    // Halves instead of BigInts: none is made for each of a million.
    const words = new Uint32Array(ids.buffer);
    const goneWords = new Uint32Array(gone.buffer);
    let kept = 0;
    let g = 0;
    for (let i = 0; i < words.length; i += 2) {
      const [low, high] = [words[i] as number, words[i + 1] as number];
      if (kept > 0 && words[kept - 1] === high && words[kept - 2] === low) continue;
      while (g < goneWords.length && isBelow(goneWords, g, low, high)) g += 2;
      if (goneWords[g + 1] === high && goneWords[g] === low) continue;
      words[kept] = low;
      words[kept + 1] = high;
      kept += 2;
    }
    entered = idList(kept === words.length ? ids : ids.slice(0, kept / 2));
    left = idList();
  };

  return {
    /** Ids as texts of ID_LENGTH bytes, one behind the other. */
    add: (texts: Uint8Array) => entered.push(texts),
    remove: (texts: Uint8Array) => left.push(texts),

    /** How many there are, and SHA-256, in hex, over their ids in byte order, joined by line feeds. */
    digest(): { entries: number; digest: string } {
      settle();
      const words = new Uint32Array(entered.all().buffer);
      const entries = entered.count();
      const hash = createHash('sha256');
      const lines = new Uint8Array(LINES_AT_A_TIME * (ID_LENGTH + 1));
      for (let from = 0; from < entries; from += LINES_AT_A_TIME) {
        const to = Math.min(entries, from + LINES_AT_A_TIME);
        let at = 0;
        for (let i = from; i < to; i += 1) {
          writeText(words[2 * i] as number, words[2 * i + 1] as number, lines, at);
          lines[at + ID_LENGTH] = LINE_FEED;
          at += ID_LENGTH + 1;
        }
        hash.update(lines.subarray(0, to === entries ? at - 1 : at));
      }
      return { entries, digest: hash.digest('hex') };
    },

    /** Their ids in byte order, as the bytes they stand for, one behind the other. */
    all(): Uint8Array<ArrayBuffer> {
      const words = new Uint32Array(entered.all().buffer);
      const bytes = new Uint8Array(entered.count() * ID_BYTES);
      for (let i = 0; i < words.length; i += 2)
        writeBytes(words[i] as number, words[i + 1] as number, bytes, (i / 2) * ID_BYTES);
      return bytes;
    },

    /** Puts them in the order of the draw: ascending by HMAC-SHA256(key, id). */
    arrange(key: Uint8Array): void {
      const words = new Uint32Array(entered.all().buffer);
      const entries = entered.count();
      // The sort's number is the beginning of the HMAC and, in place of its last bits, where the id stands.
      indexBits = Math.max(1, 32 - Math.clz32(entries));
      order = new BigUint64Array(entries);
      const ranks = new Uint32Array(order.buffer);
      if (four) rankByFours(four, key, words, ranks);
      else rankOneByOne(key, words, ranks);
      const index = 2 ** indexBits;
      for (let i = 0; i < entries; i += 1) {
        const low = ranks[2 * i] as number;
        ranks[2 * i] = low - (low % index) + i;
      }
      order.sort();
      partEqualBeginnings(order, indexBits, key, words);
    },

    /** The drawn order, from the entry with the number `from + 1` on; empty behind its end. */
    slice(from: number, count: number): Ordered {
      const words = new Uint32Array(entered.all().buffer);
      const ranks = new Uint32Array(order.buffer);
      const to = Math.min(order.length, from + count);
      const size = Math.max(0, to - from);
      const texts = new Uint8Array(size * ID_LENGTH);
      const bytes = new Uint8Array(size * ID_BYTES);
      for (let i = 0; i < size; i += 1) {
        const at = 2 * ((ranks[2 * (from + i)] as number) % 2 ** indexBits);
        const [low, high] = [words[at] as number, words[at + 1] as number];
        writeText(low, high, texts, i * ID_LENGTH);
        writeBytes(low, high, bytes, i * ID_BYTES);
      }
      return { texts, bytes };
    },
  };
}

const isBelow = (words: Uint32Array, at: number, low: number, high: number): boolean =>
  (words[at + 1] as number) < high || (words[at + 1] === high && (words[at] as number) < low);

/** A growing list of ids as numbers that sort like their texts. */
function idList(from: BigUint64Array = new BigUint64Array(0)) {
  let ids = from;
  let count = from.length;
  return {
    count: () => count,
    push(texts: Uint8Array): void {
      const more = texts.length / ID_LENGTH;
      if (count + more > ids.length) {
        const grown = new BigUint64Array(Math.max(FIRST_CAPACITY, 2 * ids.length, count + more));
        grown.set(ids.subarray(0, count));
        ids = grown;
      }
      writeOrdered(texts, new Uint32Array(ids.buffer), count);
      count += more;
    },
    /** In its own buffer, of exactly this length. */
    all(): BigUint64Array<ArrayBuffer> {
      if (count < ids.length || ids.byteOffset > 0) ids = ids.slice(0, count);
      return ids as BigUint64Array<ArrayBuffer>;
    },
  };
}

/** The first 64 bits of each id's HMAC into `ranks`, low half first. */
function rankByFours(four: RankFour, key: Uint8Array, words: Uint32Array, ranks: Uint32Array): void {
  const { inner, outer } = hmacStates(key);
  four.setKey(inner, outer);
  const entries = words.length / 2;
  const atOnce = 4 * GROUPS_MAX;
  const text = new Uint8Array(ID_LENGTH + 1);
  const padded = new DataView(text.buffer);
  text[ID_LENGTH] = 0x80;
  for (let from = 0; from < entries; from += atOnce) {
    const size = Math.min(atOnce, entries - from);
    for (let i = 0; i < size; i += 1) {
      writeText(words[2 * (from + i)] as number, words[2 * (from + i) + 1] as number, text, 0);
      const at = (i >>> 2) * 12 + (i & 3);
      four.messages[at] = padded.getUint32(0);
      four.messages[at + 4] = padded.getUint32(4);
      four.messages[at + 8] = padded.getUint32(8);
    }
    four.run(Math.ceil(size / 4));
    for (let i = 0; i < size; i += 1) {
      const at = (i >>> 2) * 8 + (i & 3);
      ranks[2 * (from + i) + 1] = four.ranks[at] as number;
      ranks[2 * (from + i)] = four.ranks[at + 4] as number;
    }
  }
}

function rankOneByOne(key: Uint8Array, words: Uint32Array, ranks: Uint32Array): void {
  const hmac = hmacSha256(key);
  const text = new Uint8Array(ID_LENGTH);
  for (let i = 0; i < words.length; i += 2) {
    writeText(words[i] as number, words[i + 1] as number, text, 0);
    const rank = hmac.of(text);
    const view = new DataView(rank.buffer);
    ranks[i + 1] = view.getUint32(0);
    ranks[i] = view.getUint32(4);
  }
}

/** Entries whose HMACs begin alike are sorted by all of it. */
function partEqualBeginnings(
  order: BigUint64Array,
  indexBits: number,
  key: Uint8Array,
  words: Uint32Array,
): void {
  const ranks = new Uint32Array(order.buffer);
  const unit = 2 ** indexBits;
  const alike = (i: number, j: number): boolean =>
    ranks[2 * i + 1] === ranks[2 * j + 1] &&
    Math.floor((ranks[2 * i] as number) / unit) === Math.floor((ranks[2 * j] as number) / unit);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && alike(from, to)) to += 1;
    if (to - from > 1) order.set(byWholeRank(order.slice(from, to), unit, key, words), from);
    from = to;
  }
}

function byWholeRank(run: BigUint64Array, unit: number, key: Uint8Array, words: Uint32Array): bigint[] {
  const hmac = hmacSha256(key);
  const text = new Uint8Array(ID_LENGTH);
  const rankOf = (entry: bigint): string => {
    const at = 2 * (Number(entry & 0xffffffffn) % unit);
    writeText(words[at] as number, words[at + 1] as number, text, 0);
    return Buffer.from(hmac.of(text)).toString('latin1');
  };
  const ranked = [...run].map((entry) => ({ entry, rank: rankOf(entry) }));
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ entry }) => entry);
}
