import { ROUND_CONSTANTS } from '#shared/sha256.ts';

/**
 * The first 64 bits of HMAC-SHA256 over messages of 11 bytes, four at a time, as a WebAssembly module with SIMD that is
 * put together here. A draw needs the HMAC of every entry before it knows the first one: a million take 0.2 s this way
 * and 1.3 s in plain JavaScript, on a machine where turns shall flow within a second.
 *
 * SHA-256 as FIPS 180-4 §6.2.2 has it, unrolled; a test compares it with node:crypto.
 */

/** How many groups of four messages one call takes at most. */
export const GROUPS_MAX = 1_024;

const STATES_AT = 0;
const MESSAGES_AT = 64;
/** Of a group: the three words of its messages that differ, and the two words of its HMACs that are wanted. */
const MESSAGE_BYTES = 3 * 16;
const RANK_BYTES = 2 * 16;
const RANKS_AT = MESSAGES_AT + GROUPS_MAX * MESSAGE_BYTES;
const PAGE_BYTES = 65_536;
const PAGES = Math.ceil((RANKS_AT + GROUPS_MAX * RANK_BYTES) / PAGE_BYTES);

/** The padded lengths, in bits, of the inner and the outer message: a block of key, and 11 or 32 bytes. */
const INNER_BITS = (64 + 11) * 8;
const OUTER_BITS = (64 + 32) * 8;

export type RankFour = {
  /** The states of SHA-256 after the key's inner and outer block, 8 words each. */
  setKey: (inner: Int32Array, outer: Int32Array) => void;
  /** For each group 3 × 4 words, big-endian values: bytes 0–3 of four messages, bytes 4–7, bytes 8–10 and 0x80. */
  messages: Uint32Array;
  /** For each group 2 × 4 words: the first four HMACs' words 0, their words 1. */
  ranks: Uint32Array;
  run: (groups: number) => void;
};

/** What is used of it; the types of browsers are not loaded here. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    validate: (code: Uint8Array) => boolean;
    Module: new (code: Uint8Array) => object;
    Instance: new (module: object) => { exports: object };
  };
};

/** Null where the processor has no such instructions. */
export function rankFour(): RankFour | null {
  const code = moduleBytes();
  if (!wasm.validate(code)) return null;
  const { exports } = new wasm.Instance(new wasm.Module(code));
  const { memory, run } = exports as {
    memory: { buffer: ArrayBuffer };
    run: (messages: number, ranks: number, groups: number) => void;
  };
  const states = new Int32Array(memory.buffer, STATES_AT, 16);
  return {
    setKey: (inner, outer) => {
      states.set(inner, 0);
      states.set(outer, 8);
    },
    messages: new Uint32Array(memory.buffer, MESSAGES_AT, (GROUPS_MAX * MESSAGE_BYTES) / 4),
    ranks: new Uint32Array(memory.buffer, RANKS_AT, (GROUPS_MAX * RANK_BYTES) / 4),
    run: (groups) => run(MESSAGES_AT, RANKS_AT, groups),
  };
}

// --- The module, in the binary format of WebAssembly (https://webassembly.github.io/spec/core/binary) ---

const leb = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
  return bytes;
};
const simd = (opcode: number): number[] => [0xfd, ...leb(opcode)];
const words = (value: number): number[] => {
  const bytes = [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  return [...simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes];
};
const OR = simd(0x50);
const XOR = simd(0x51);
const SELECT = simd(0x52);
const SHL = simd(0xab);
const SHR = simd(0xad);
const ADD = simd(0xae);
const get = (local: number): number[] => [0x20, ...leb(local)];
const set = (local: number): number[] => [0x21, ...leb(local)];
const int = (value: number): number[] => [0x41, value];
const rotate = (x: number, by: number): number[] => [
  ...get(x),
  ...int(by),
  ...SHR,
  ...get(x),
  ...int(32 - by),
  ...SHL,
  ...OR,
];
const shift = (x: number, by: number): number[] => [...get(x), ...int(by), ...SHR];

/** Parameters: where messages and ranks are, how many groups. Then 16 schedule words, 8 working variables, 2 more. */
const [MESSAGES, RANKS, GROUPS, W, V, T1, T2] = [0, 1, 2, 3, 19, 27, 28] as const;
const VECTORS = 16 + 8 + 2;

/** Code for: the block whose words are in W, into the state that stands at `from`; the result is in V. */
function compress(from: number): number[] {
  const code: number[] = [];
  const state = (i: number) => [...int(0), ...simd(0x09), 2, ...leb(from + 4 * i)];
  for (let i = 0; i < 8; i += 1) code.push(...state(i), ...set(V + i));
  for (let t = 0; t < 64; t += 1) {
    const at = (i: number) => W + ((t + i) & 15);
    const v = (i: number) => V + ((i - t + 64) & 7);
    const [a, b, c, d] = [v(0), v(1), v(2), v(3)] as const;
    const [e, f, g, h] = [v(4), v(5), v(6), v(7)] as const;
    if (t >= 16) {
      const s0 = [...rotate(at(1), 7), ...rotate(at(1), 18), ...XOR, ...shift(at(1), 3), ...XOR];
      const s1 = [...rotate(at(14), 17), ...rotate(at(14), 19), ...XOR, ...shift(at(14), 10), ...XOR];
      code.push(...get(at(0)), ...s0, ...ADD, ...get(at(9)), ...ADD, ...s1, ...ADD, ...set(at(0)));
    }
    const sum1 = [...rotate(e, 6), ...rotate(e, 11), ...XOR, ...rotate(e, 25), ...XOR];
    const chosen = [...get(f), ...get(g), ...get(e), ...SELECT];
    code.push(...get(h), ...sum1, ...ADD, ...chosen, ...ADD, ...words(ROUND_CONSTANTS[t] as number), ...ADD);
    code.push(...get(at(0)), ...ADD, ...set(T1));
    const sum0 = [...rotate(a, 2), ...rotate(a, 13), ...XOR, ...rotate(a, 22), ...XOR];
    const majority = [...get(c), ...get(a), ...get(a), ...get(b), ...XOR, ...SELECT];
    code.push(...sum0, ...majority, ...ADD, ...set(T2));
    code.push(...get(d), ...get(T1), ...ADD, ...set(d), ...get(T1), ...get(T2), ...ADD, ...set(h));
  }
  for (let i = 0; i < 8; i += 1) code.push(...get(V + i), ...state(i), ...ADD, ...set(V + i));
  return code;
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const block = (from: number, variable: number[], bits: number): number[] => [
    ...variable,
    ...Array.from({ length: 15 - from }, (_, i) => [...words(0), ...set(W + from + i)]).flat(),
    ...words(bits),
    ...set(W + 15),
  ];
  const message = [0, 1, 2].flatMap((i) => [...get(MESSAGES), ...simd(0x00), 4, 16 * i, ...set(W + i)]);
  const inner = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [...get(V + i), ...set(W + i)]);
  const rank = [0, 1].flatMap((i) => [...get(RANKS), ...get(V + i), ...simd(0x0b), 4, 16 * i]);
  const advance = (local: number, by: number) => [...get(local), 0x41, by, 0x6a, ...set(local)];
  const body = [
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...get(GROUPS), 0x45, 0x0d, 1],
    ...block(3, message, INNER_BITS),
    ...compress(STATES_AT),
    ...block(9, [...inner, ...words(0x80000000), ...set(W + 8)], OUTER_BITS),
    ...compress(STATES_AT + 32),
    ...rank,
    ...advance(MESSAGES, MESSAGE_BYTES),
    ...advance(RANKS, RANK_BYTES),
    ...[...get(GROUPS), 0x41, 1, 0x6b, ...set(GROUPS)],
    ...[0x0c, 0, 0x0b, 0x0b, 0x0b],
  ];
  const sized = (bytes: number[]): number[] => [...leb(bytes.length), ...bytes];
  const section = (id: number, bytes: number[]): number[] => [id, ...sized(bytes)];
  const name = (text: string): number[] => sized([...text].map((letter) => letter.charCodeAt(0)));
  const [I32, V128] = [0x7f, 0x7b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('run'), 0, 0]),
    ...section(10, [1, ...sized([1, VECTORS, V128, ...body])]),
  ]);
}
