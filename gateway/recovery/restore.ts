import { PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import type { Drawing, FrozenLobby } from '../lobby/draw.ts';
import { ID_BYTES, textsOf } from '../lobby/lobby-ids.ts';
import type { HeardMoment } from '../redis/heard.ts';
import { saleKey } from '../redis/keys.ts';
import { redisProblem, type Store, saleScript } from '../redis/script.ts';
import {
  lastHeard,
  latestOf,
  MISSED,
  NOT_REMEMBERED,
  numbersOf,
  type QueueMemory,
  readMemory,
  type SeenQueue,
} from './memory.ts';
import { restoreCodes } from './restore-codes.ts';

/** Equal to SLICE in prelude/call.lua. */
const NUMBERS_PER_CALL = 500;
const ENTRIES_PER_CALL = 500;
/** What restore.lua answers then. */
const TOO_EARLY = -2;

const restore = saleScript<number>(new URL('./restore.lua', import.meta.url));
const restoreDraw = saleScript<
  ['over'] | ['later'] | [state: string, placed: number, lobbyMissing: 0 | 1, otherTo: number]
>(new URL('./restore-draw.lua', import.meta.url));
const restoreLobby = saleScript<-1 | 0 | 1>(new URL('./restore-lobby.lua', import.meta.url));
const settle = saleScript<0 | 1>(new URL('./settle-lobby.lua', import.meta.url));

/**
 * What a gateway remembers of one queue. `newer`: a snapshot of the memory's epoch, newer than it by a moment; `heard`: what Redis
 * has answered in that epoch, and in those after it that nothing is remembered of.
 */
export type Remembered = {
  memory: QueueMemory;
  newer: SeenQueue | null;
  heard: readonly HeardMoment[];
  lobby: FrozenLobby | null;
};

/**
 * Brings back what a gateway remembers, in a recovery that is under way in `epoch`: the draw, and all numbers of which it
 * knows more than Redis. Idempotent, and any number of gateways may do it at once: the scripts keep whatever is further
 * along. Returns how many numbers were brought forward; `later` for what was remembered before the last recovery, while
 * those speak who remember that one; null while a draw has to be written again first, from a lobby that another gateway may
 * remember. Throws `unavailable`.
 */
export async function restoreQueue(
  store: Store,
  sale: string,
  epoch: number,
  { memory, newer, heard, lobby }: Remembered,
  drawing: Pick<Drawing, 'write'>,
): Promise<number | 'later' | null> {
  const otherTo = memory.draw.length === 0 ? 0 : await redraw(store, sale, epoch, memory, lobby, drawing);
  if (otherTo === 'later' || otherTo === null) return otherTo;
  // Of a snapshot that has come after the freeze, and a memory from before it, nobody can tell which numbers are the lobby's:
  // it is frozen again, and who came later brings the number.
  const isBeforeFreeze = ofDraw(memory, 'state') === 'committed';
  const since = isBeforeFreeze ? { newer: null, heard: [] } : { newer, heard };
  const brought = await restoreNumbers(store, sale, epoch, { memory, ...since }, otherTo);
  if (brought !== 'later') await restoreCodes(store, sale, epoch, memory);
  return brought;
}

/** Ends a recovery in which nobody has known who was in a lobby: it goes on with those who have shown up. */
export async function settleLobby(store: Store, sale: string, epoch: number): Promise<void> {
  while ((await settle(store, sale, [epoch])) === 1);
}

/** The value of a field of a remembered draw. */
export function ofDraw({ draw }: QueueMemory, field: string): string | null {
  const at = draw.findIndex((name, i) => i % 2 === 0 && name === field);
  return at === -1 ? null : (draw[at + 1] as string);
}

/**
 * Writes a remembered draw again, from its lobby. Returns, once every number is there that it had, up to which one numbers
 * are those of another draw, of which this memory says nothing: usually 0.
 */
async function redraw(
  store: Store,
  sale: string,
  epoch: number,
  memory: QueueMemory,
  lobby: FrozenLobby | null,
  drawing: Pick<Drawing, 'write'>,
): Promise<number | 'later' | null> {
  const look = () => restoreDraw(store, sale, [epoch, memory.epoch, memory.eras, ...memory.draw]);
  let [state, , lobbyMissing] = await look();
  if (state === 'later') return state;
  if (lobbyMissing === 1 && lobby !== null) {
    const slice = NUMBERS_PER_CALL * ID_BYTES;
    for (let from = 0; from < lobby.ids.length; from += slice) {
      const texts = Buffer.from(textsOf(lobby.ids.subarray(from, from + slice)));
      if ((await restoreLobby(store, sale, [epoch, lobby.frozenAt, from / ID_BYTES, texts])) === -1) break;
    }
    while ((await restoreLobby(store, sale, [epoch, lobby.frozenAt, lobby.entries, ''])) === 0);
    [state, , lobbyMissing] = await look();
  }
  if (lobbyMissing !== 1 && (state === 'frozen' || state === 'drawing')) await drawing.write(sale);
  const [, placed = 0, , otherTo = 0] = await look();
  // Without numbers there is none to bring back; 'over' has none either.
  const isThere = otherTo > 0 || placed >= Number(ofDraw(memory, 'placed') ?? 0);
  return isThere ? otherTo : null;
}

async function restoreNumbers(
  store: Store,
  sale: string,
  epoch: number,
  { memory, newer, heard }: Omit<Remembered, 'lobby'>,
  otherTo: number,
): Promise<number | 'later'> {
  const latest = latestOf(memory, newer);
  const lastNumber = Math.max(latest.lastNumber, lastHeard(heard));
  // The first numbers of its epoch may have been told, and be in no snapshot (noteEra in prelude/epochs.lua).
  const erasHeard = heard.find((moment) => moment.epoch === memory.epoch)?.eras ?? '';
  const eras = `${latest.eras} ${erasHeard}`.trim();
  const about = [
    ...[epoch, lastNumber, PAYMENT_EXTENSION_SECONDS, memory.longerAdmissions],
    ...[memory.epoch, eras],
  ];
  if ((await restore(store, sale, [...about, 1, ''])) === TOO_EARLY) return 'later';
  const current = await readMemory(store, sale, null);
  if (!current) return 0;
  // Who stopped waiting after the memory and before the snapshot had a turn, most likely: they get the next free one.
  const remembered = numbersOf(memory, newer, MISSED, heard);
  const known = numbersOf(current, null, NOT_REMEMBERED);
  const isMore = (number: number): boolean => {
    const code = remembered[number] as number;
    const knownCode = known[number] ?? NOT_REMEMBERED;
    return number > otherTo && code !== NOT_REMEMBERED && (knownCode === NOT_REMEMBERED || code > knownCode);
  };
  const owners = await ownersOf(store, sale, known, remembered);
  const last = remembered.length - 1;
  let brought = 0;
  for (let from = 1; from <= last; from += NUMBERS_PER_CALL) {
    const to = Math.min(last, from + NUMBERS_PER_CALL - 1);
    let codes = '';
    const ids: (string | number)[] = [];
    for (let number = from; number <= to; number += 1) {
      codes += isMore(number) ? remembered[number] : '.';
      const owner = isMore(number) ? owners.get(number) : undefined;
      if (owner !== undefined) ids.push(number, owner);
    }
    if (!/\d/.test(codes)) continue;
    const done = await restore(store, sale, [...about, from, codes, ...ids]);
    if (done < 0) break;
    brought += done;
  }
  return brought;
}

/** Who has the numbers that do not wait in Redis and of which more is remembered; often nobody, and nothing is read. */
async function ownersOf(
  store: Store,
  sale: string,
  known: Uint8Array,
  remembered: Uint8Array,
): Promise<Map<number, string>> {
  const owners = new Map<number, string>();
  const isAsked = known.some(
    (code, number) =>
      code > 0 &&
      code !== NOT_REMEMBERED &&
      number < remembered.length &&
      (remembered[number] as number) > code,
  );
  if (!isAsked) return owners;
  try {
    for (const name of ['ready', 'blocked', 'returning', 'admitted'] as const) {
      const ids = await store.redis.zrange(saleKey(sale, name), '0', '-1');
      for (let from = 0; from < ids.length; from += ENTRIES_PER_CALL) {
        const slice = ids.slice(from, from + ENTRIES_PER_CALL);
        const packed = await store.redis.hmget(saleKey(sale, 'entries'), ...slice);
        packed.forEach((text, i) => {
          // A turn that was just given is recorded as its number alone (prelude/entries.lua, unpackEntry).
          const record = JSON.parse(text ?? '{}') as number | { number?: number };
          const number = typeof record === 'number' ? record : record.number;
          if (number !== undefined) owners.set(number, slice[i] as string);
        });
      }
    }
    return owners;
  } catch (error) {
    throw redisProblem(error);
  }
}
