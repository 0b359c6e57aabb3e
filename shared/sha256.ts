/**
 * SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104) in plain TypeScript.
 *
 * node:crypto takes 6 µs and more for a short HMAC, nearly all of it for entering and leaving; here it is a fraction, for
 * the key's two blocks are worked out once. That matters for a queue ticket at every join and for a draw of a million,
 * and the very same lines recompute a draw in a reader's browser. A test compares them with node:crypto.
 */

export const ROUND_CONSTANTS = new Int32Array(64);
const INITIAL_STATE = new Int32Array(8);

/** The first 32 bits of the fractional parts of the square and cube roots of the first primes (FIPS 180-4 §4.2.2, §5.3.3). */
function deriveConstants(): void {
  const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0;
  let found = 0;
  for (let candidate = 2; found < 64; candidate += 1) {
    let isPrime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
      if (candidate % divisor === 0) isPrime = false;
    }
    if (!isPrime) continue;
    if (found < 8) INITIAL_STATE[found] = fraction(Math.sqrt(candidate));
    ROUND_CONSTANTS[found] = fraction(Math.cbrt(candidate));
    found += 1;
  }
}
deriveConstants();

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;
const DIGEST_BYTES = 32;

const schedule = new Int32Array(64);

/** One block into the state (FIPS 180-4 §6.2.2). */
function compress(state: Int32Array, bytes: Uint8Array, from: number): void {
  const w = schedule;
  const k = ROUND_CONSTANTS;
  for (let t = 0, i = from; t < 16; t += 1, i += 4) {
    w[t] =
      ((bytes[i] as number) << 24) |
      ((bytes[i + 1] as number) << 16) |
      ((bytes[i + 2] as number) << 8) |
      (bytes[i + 3] as number);
  }
  for (let t = 16; t < 64; t += 1) {
    const x = w[t - 15] as number;
    const y = w[t - 2] as number;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = ((w[t - 16] as number) + s0 + (w[t - 7] as number) + s1) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let t = 0; t < 64; t += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const chosen = (e & f) ^ (~e & g);
    const t1 = (h + s1 + chosen + (k[t] as number) + (w[t] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  state[0] = ((state[0] as number) + a) | 0;
  state[1] = ((state[1] as number) + b) | 0;
  state[2] = ((state[2] as number) + c) | 0;
  state[3] = ((state[3] as number) + d) | 0;
  state[4] = ((state[4] as number) + e) | 0;
  state[5] = ((state[5] as number) + f) | 0;
  state[6] = ((state[6] as number) + g) | 0;
  state[7] = ((state[7] as number) + h) | 0;
}

const tail = new Uint8Array(2 * BLOCK_BYTES);

/** The rest of a message into the state, padded; `before` bytes, a multiple of the block's size, are in it already. */
function finish(state: Int32Array, bytes: Uint8Array, length: number, before: number): void {
  let from = 0;
  for (; from + BLOCK_BYTES <= length; from += BLOCK_BYTES) compress(state, bytes, from);
  const rest = length - from;
  const padded = rest + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  for (let i = 0; i < rest; i += 1) tail[i] = bytes[from + i] as number;
  tail[rest] = 0x80;
  tail.fill(0, rest + 1, padded);
  const total = before + length;
  const high = Math.floor(total / 2 ** 29);
  const low = (total << 3) >>> 0;
  for (let i = 0; i < 4; i += 1) {
    tail[padded - 8 + i] = high >>> (24 - 8 * i);
    tail[padded - 4 + i] = low >>> (24 - 8 * i);
  }
  compress(state, tail, 0);
  if (padded > BLOCK_BYTES) compress(state, tail, BLOCK_BYTES);
}

function writeDigest(state: Int32Array, into: Uint8Array): void {
  for (let i = 0; i < 8; i += 1) {
    const word = state[i] as number;
    into[4 * i] = word >>> 24;
    into[4 * i + 1] = word >>> 16;
    into[4 * i + 2] = word >>> 8;
    into[4 * i + 3] = word;
  }
}

/** The 32 bytes of SHA-256. */
export function sha256(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const state = INITIAL_STATE.slice();
  finish(state, message, message.length, 0);
  const digest = new Uint8Array(DIGEST_BYTES);
  writeDigest(state, digest);
  return digest;
}

export type Hmac = {
  /**
   * HMAC-SHA256 of the message's first `length` bytes. The 32 bytes returned are overwritten by the next call: copy what
   * is to be kept.
   */
  of: (message: Uint8Array, length?: number) => Uint8Array<ArrayBuffer>;
};

/** What SHA-256 is at after the inner and the outer block of an HMAC's key, 8 words each. */
export function hmacStates(key: Uint8Array): { inner: Int32Array; outer: Int32Array } {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? sha256(key) : key);
  const keyed = (pad: number): Int32Array => {
    const state = INITIAL_STATE.slice();
    compress(
      state,
      block.map((byte) => byte ^ pad),
      0,
    );
    return state;
  };
  return { inner: keyed(0x36), outer: keyed(0x5c) };
}

/** HMAC-SHA256 under one key. Not for messages whose length is a secret; the key's blocks are worked out once. */
export function hmacSha256(key: Uint8Array): Hmac {
  const { inner, outer } = hmacStates(key);
  const state = new Int32Array(8);
  const digest = new Uint8Array(DIGEST_BYTES);
  return {
    of(message, length = message.length) {
      state.set(inner);
      finish(state, message, length, BLOCK_BYTES);
      writeDigest(state, digest);
      state.set(outer);
      finish(state, digest, DIGEST_BYTES, BLOCK_BYTES);
      writeDigest(state, digest);
      return digest;
    },
  };
}
