/** An entry's id as text: 64 bits in base64url (RFC 4648 §5), whose last letter carries four of them. */
export const ID_LENGTH = 11;
/** The same as the bytes they stand for. */
export const ID_BYTES = 8;

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LAST_STEP = 4;
const NO_LETTER = 255;

const codes = [...LETTERS].map((letter) => letter.charCodeAt(0));
const ascending = [...codes].sort((a, b) => a - b);
const lastAscending = codes.filter((_, value) => value % LAST_STEP === 0).sort((a, b) => a - b);

/** By ASCII code: where a letter stands among the letters in byte order. The id's last one has an order of its own. */
const orderOf = tableOf(ascending);
const lastOrderOf = tableOf(lastAscending);
const letterAt = Uint8Array.from(ascending);
const lastLetterAt = Uint8Array.from(lastAscending);
/** By that order: the 6 bits a letter stands for, the 4 bits of a last one. */
const valueAt = Uint8Array.from(ascending, (code) => codes.indexOf(code));
const lastValueAt = Uint8Array.from(lastAscending, (code) => codes.indexOf(code) / LAST_STEP);

function tableOf(letters: number[]): Uint8Array {
  const table = new Uint8Array(256).fill(NO_LETTER);
  for (const [order, code] of letters.entries()) table[code] = order;
  return table;
}

/**
 * Ids as numbers of 64 bits that ascend as the texts do in byte order, so that a million sort natively in a tenth of a
 * second. Written into `words` (low half, high half, as BigUint64Array has them on every processor Node runs on) from the
 * `at`th number on. Throws for what is no id: it cannot have come from a queue ticket.
 */
export function writeOrdered(texts: Uint8Array, words: Uint32Array, at: number): void {
  if (texts.length % ID_LENGTH !== 0) throw new Error(`${texts.length} bytes are no list of ids`);
  const letter = (i: number) => orderOf[texts[i] as number] as number;
  for (let i = 0, to = 2 * at; i < texts.length; i += ID_LENGTH, to += 2) {
    const [a, b, c, d, e] = [letter(i), letter(i + 1), letter(i + 2), letter(i + 3), letter(i + 4)];
    const [f, g, h, k, l] = [letter(i + 5), letter(i + 6), letter(i + 7), letter(i + 8), letter(i + 9)];
    const last = lastOrderOf[texts[i + 10] as number] as number;
    if ((a | b | c | d | e | f | g | h | k | l | last) & 0xc0) {
      const text = Buffer.from(texts.subarray(i, i + ID_LENGTH)).toString('latin1');
      throw new Error(`${JSON.stringify(text)} is not the id of an entry`);
    }
    words[to + 1] = (a << 26) | (b << 20) | (c << 14) | (d << 8) | (e << 2) | (f >>> 4);
    words[to] = (f << 28) | (g << 22) | (h << 16) | (k << 10) | (l << 4) | last;
  }
}

/** The order of an id's nth letter. */
const orderIn = (low: number, high: number, n: number): number => {
  if (n < 5) return (high >>> (26 - 6 * n)) & 63;
  if (n === 5) return ((high & 3) << 4) | (low >>> 28);
  return n === 10 ? low & 15 : (low >>> (58 - 6 * n)) & 63;
};

/** Writes the text of an ordered id; letter by letter, for a million of them are on the way to a draw's first turn. */
export function writeText(low: number, high: number, into: Uint8Array, at: number): void {
  into[at] = letterAt[high >>> 26] as number;
  into[at + 1] = letterAt[(high >>> 20) & 63] as number;
  into[at + 2] = letterAt[(high >>> 14) & 63] as number;
  into[at + 3] = letterAt[(high >>> 8) & 63] as number;
  into[at + 4] = letterAt[(high >>> 2) & 63] as number;
  into[at + 5] = letterAt[((high & 3) << 4) | (low >>> 28)] as number;
  into[at + 6] = letterAt[(low >>> 22) & 63] as number;
  into[at + 7] = letterAt[(low >>> 16) & 63] as number;
  into[at + 8] = letterAt[(low >>> 10) & 63] as number;
  into[at + 9] = letterAt[(low >>> 4) & 63] as number;
  into[at + 10] = lastLetterAt[low & 15] as number;
}

/** Writes the eight bytes that an ordered id stands for. */
export function writeBytes(low: number, high: number, into: Uint8Array, at: number): void {
  const value = (n: number) => valueAt[orderIn(low, high, n)] as number;
  const [f, l] = [value(5), value(9)];
  const first = (value(0) << 26) | (value(1) << 20) | (value(2) << 14) | (value(3) << 8) | (value(4) << 2);
  const second = (f << 28) | (value(6) << 22) | (value(7) << 16) | (value(8) << 10) | (l << 4);
  writeWord(into, at, first | (f >>> 4));
  writeWord(into, at + 4, second | (lastValueAt[low & 15] as number));
}

function writeWord(into: Uint8Array, at: number, word: number): void {
  into[at] = word >>> 24;
  into[at + 1] = word >>> 16;
  into[at + 2] = word >>> 8;
  into[at + 3] = word;
}

/** Ids as texts, one behind the other, from the bytes they stand for. */
export function textsOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const texts = new Uint8Array((bytes.length / ID_BYTES) * ID_LENGTH);
  for (let from = 0, to = 0; from < bytes.length; from += ID_BYTES, to += ID_LENGTH) {
    for (let n = 0; n < ID_LENGTH; n += 1) {
      const bit = 6 * n;
      const pair =
        ((bytes[from + (bit >>> 3)] as number) << 8) | (n < 10 ? (bytes[from + (bit >>> 3) + 1] ?? 0) : 0);
      texts[to + n] = codes[(pair >>> (10 - (bit & 7))) & 63] as number;
    }
  }
  return texts;
}
