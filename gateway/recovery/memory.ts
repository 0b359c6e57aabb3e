import type { HeardMoment, Moment } from '../redis/heard.ts';
import { type Store, saleScript } from '../redis/script.ts';

const remember = saleScript<(Buffer | number)[]>(new URL('./remember.lua', import.meta.url), 'bytes');

/** What a gateway remembers of a sale's queue, all of one moment. */
export type QueueMemory = Moment & {
  /** Changes whenever anything of the rest does. */
  mark: string;
  /** 'epoch:number:ms …': above which number numbers were given in each epoch after a loss, and since when. */
  eras: string;
  /** 'ms:until': longer admissions than are given now, and by when they are over; empty for none. */
  longerAdmissions: string;
  /** One bit a queue number, 1 while it waits. */
  bits: Uint8Array;
  /** Half a byte a queue number, as prelude/states.lua's STATE_NAMES. */
  states: Uint8Array;
  /** The log of access codes (prelude/codes.lua's logCodes), or as much of it as was read. */
  codes: Uint8Array;
  /** The draw's fields: seed and commitment among them. */
  draw: string[];
};

/** The part of it that every snapshot brings, five times a second. */
export type SeenQueue = Moment & Pick<QueueMemory, 'bits' | 'eras'>;

/** A queue as it is now; `known` when nothing has changed since, null when the sale is not in Redis. */
export async function readMemory<Known extends QueueMemory | null>(
  store: Store,
  sale: string,
  known: Known,
): Promise<QueueMemory | null> {
  const reply = await remember(store, sale, [known?.mark ?? '', known?.codes.length ?? 0, known?.epoch ?? 0]);
  if (reply.length === 1) return String(reply[0]) === 'same' ? known : null;
  const [
    mark,
    epoch,
    version,
    moves,
    run,
    runBeganAt,
    lastNumber,
    eras,
    birth,
    longerAdmissions,
    bits,
    states,
    from,
    log,
    ...draw
  ] = reply;
  return {
    mark: String(mark),
    epoch: Number(epoch),
    version: Number(version),
    moves: Number(moves),
    run: String(run),
    runBeganAt: Number(runBeganAt),
    lastNumber: Number(lastNumber),
    eras: String(eras),
    birth: String(birth),
    longerAdmissions: String(longerAdmissions),
    bits: bits as Buffer,
    states: states as Buffer,
    codes: continued(known, Number(from), log as Buffer),
    draw: draw.map(String),
  };
}

/** The log only ever grows: what was read before is not read again. */
function continued(known: QueueMemory | null, from: number, more: Buffer): Uint8Array {
  if (!known || from === 0) return more;
  const before = known.codes.subarray(0, from);
  return more.length === 0 ? before : Buffer.concat([before, more]);
}

export const NOT_REMEMBERED = 255;
export const WAITS = 0;
export const MISSED = 2;

/** The snapshot where it is of the memory's epoch and newer, else the memory itself. */
export const latestOf = (memory: QueueMemory, newer: SeenQueue | null): SeenQueue =>
  newer !== null && newer.epoch === memory.epoch && newer.moves >= memory.moves ? newer : memory;

/** Equal to STATE_NAMES in prelude/states.lua. */
const STATE_NAMES = ['ready', 'missed', 'admitted', 'left', 'lapsed', 'expired', 'closed', 'finished'];

/**
 * What became of each queue number, by number: NOT_REMEMBERED, WAITS, or a code of prelude/states.lua's STATE_NAMES. The bits of
 * `newer`, a snapshot of the same epoch, win. `otherwise` is what counts for a number that has stopped waiting without
 * saying how. What Redis has answered besides goes further than both, in that epoch and in any since.
 */
export function numbersOf(
  memory: QueueMemory,
  newer: SeenQueue | null,
  otherwise: number,
  heard: readonly HeardMoment[] = [],
): Uint8Array {
  const numbers = numbersSeen(memory, newer, otherwise, lastHeard(heard));
  for (const { became } of heard) {
    for (const [number, { state }] of became) {
      const code = STATE_NAMES.indexOf(state) + 1;
      const known = numbers[number] as number;
      if (known === NOT_REMEMBERED || code > known) numbers[number] = code;
    }
  }
  return numbers;
}

/** The last queue number that Redis has answered; 0 for none. */
export const lastHeard = (heard: readonly HeardMoment[]): number =>
  Math.max(0, ...heard.map(({ lastNumber }) => lastNumber));

/** Of the numbers above those that were seen, up to `told`, nothing is known but that fans have them: they wait. */
function numbersSeen(
  memory: QueueMemory,
  newer: SeenQueue | null,
  otherwise: number,
  told: number,
): Uint8Array {
  const { bits, lastNumber: last } = latestOf(memory, newer);
  const numbers = new Uint8Array(Math.max(last, told) + 1).fill(otherwise, 0, last + 1);
  numbers[0] = NOT_REMEMBERED;
  for (let number = 1; number <= last; number += 1) {
    const state = ((memory.states[number >>> 1] ?? 0) >>> (number % 2 === 0 ? 4 : 0)) & 15;
    const waits = (((bits[number >>> 3] ?? 0) >>> (7 - (number & 7))) & 1) === 1;
    if (waits) numbers[number] = WAITS;
    else if (state > 0) numbers[number] = state;
  }
  return numbers;
}
