import { type Store, saleScript } from '../redis/script.ts';
import { MISSED, NOT_REMEMBERED, numbersOf, type QueueMemory } from './memory.ts';

/** Fewer than SLICE: each costs Redis about eight commands. */
const CODES_PER_CALL = 150;

const restore = saleScript<number>(new URL('./restore-codes.lua', import.meta.url));

/** Equal to standInOf in prelude/entries.lua. */
const standInOf = (number: number): string => `~${number}`;

type Use = { number: number; code: string };

/**
 * What a log of access codes (prelude/codes.lua's logCodes) comes to: the uses that are occupied, those that were given back, and
 * how many places each code has opened.
 */
function codesOf({ codes }: QueueMemory): {
  uses: Map<string, Use>;
  givenBack: Map<string, Use>;
  opened: Map<string, number>;
} {
  const uses = new Map<string, Use>();
  const givenBack = new Map<string, Use>();
  const opened = new Map<string, number>();
  const lines = Buffer.from(codes).toString().split('\n');
  // A log that is read in parts may end anywhere.
  lines.pop();
  for (const line of lines) {
    const [entry = '', number, code = '', count] = line.slice(1).split(' ');
    if (line.startsWith('-')) {
      const use = uses.get(entry);
      if (use) givenBack.set(entry, use);
      uses.delete(entry);
      continue;
    }
    if (entry !== '-') uses.set(entry, { number: Number(number), code });
    givenBack.delete(entry);
    // What its number's stand-in had given back was passed on to it (prelude/codes.lua's passCodeOn).
    givenBack.delete(standInOf(Number(number)));
    opened.set(code, Math.max(opened.get(code) ?? 0, Number(count)));
  }
  return { uses, givenBack, opened };
}

/**
 * Brings back who occupies a use of an access code, and how many places each has opened, in a recovery that is under way in
 * `epoch`, after the queue numbers. Returns how many uses were brought back. Throws `unavailable`.
 */
export async function restoreCodes(
  store: Store,
  sale: string,
  epoch: number,
  memory: QueueMemory,
): Promise<number> {
  if (memory.codes.length === 0) return 0;
  const { uses, givenBack, opened } = codesOf(memory);
  const numbers = numbersOf(memory, null, NOT_REMEMBERED);
  const records = [...uses].map(([id, { number, code }]) => [id, number, code, opened.get(code) ?? 0]);
  const occupied = new Set([...uses.values()].map(({ code }) => code));
  for (const [code, count] of opened) if (!occupied.has(code)) records.push(['', 0, code, count]);
  for (const [id, { number }] of givenBack)
    if (number === 0 || numbers[number] === MISSED) records.push([id, number, '', 0]);
  let brought = 0;
  for (let from = 0; from < records.length; from += CODES_PER_CALL) {
    const slice = records.slice(from, from + CODES_PER_CALL).flat();
    const done = await restore(store, sale, [epoch, memory.epoch, ...slice]);
    if (done < 0) break;
    brought += done;
  }
  return brought;
}
