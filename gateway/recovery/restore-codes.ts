import { type Store, saleScript } from '../redis/script.ts';
import type { QueueMemory } from './memory.ts';

/** Fewer than SLICE: each costs Redis about eight commands. */
const CODES_PER_CALL = 150;

const restore = saleScript<number>(new URL('./restore-codes.lua', import.meta.url));

type Use = { number: number; code: string };

/** What a log of access codes (prelude.lua's logCodes) comes to: the uses that are occupied, and what each code has opened. */
export function codesOf({ codes }: Pick<QueueMemory, 'codes'>): {
  uses: Map<string, Use>;
  opened: Map<string, number>;
} {
  const uses = new Map<string, Use>();
  const opened = new Map<string, number>();
  const lines = Buffer.from(codes).toString().split('\n');
  // A log that is read in parts may end anywhere.
  lines.pop();
  for (const line of lines) {
    const [entry = '', number, code = '', count] = line.slice(1).split(' ');
    if (line.startsWith('-')) {
      uses.delete(entry);
      continue;
    }
    if (entry !== '-') uses.set(entry, { number: Number(number), code });
    opened.set(code, Math.max(opened.get(code) ?? 0, Number(count)));
  }
  return { uses, opened };
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
  const { uses, opened } = codesOf(memory);
  const records = [...uses].map(([id, { number, code }]) => [id, number, code, opened.get(code) ?? 0]);
  const occupied = new Set([...uses.values()].map(({ code }) => code));
  for (const [code, count] of opened) if (!occupied.has(code)) records.push(['', 0, code, count]);
  let brought = 0;
  for (let from = 0; from < records.length; from += CODES_PER_CALL) {
    const slice = records.slice(from, from + CODES_PER_CALL).flat();
    const done = await restore(store, sale, [epoch, memory.epoch, ...slice]);
    if (done < 0) break;
    brought += done;
  }
  return brought;
}
