import { everyEach, type Stop } from '#shared/every.ts';
import type { ExtendedHold } from '#shared/internal.ts';
import type { Log } from '#shared/log.ts';
import type { QueueWatch } from '../queue/watch.ts';
import { type Store, saleScript } from '../redis/script.ts';

const ASK_INTERVAL_MS = 1_000;
/** Each takes Redis as long as an admission that is brought back. */
const HOLDS_PER_CALL = 50;
/** Of one answer; a round ends as many as one call may. */
const ROUNDS_MAX = 1_000;

const list = saleScript<(number | string)[]>(new URL('./list-silent.lua', import.meta.url));
const notePayments = saleScript<0 | 1>(new URL('./note-payments.lua', import.meta.url));
const endSilent = saleScript<number>(new URL('./end-silent.lua', import.meta.url));

/** All holds of a sale that somebody pays or has paid for and that are not over; rejects when not all of them are known. */
export type AskForExtendedHolds = (sale: string) => Promise<ExtendedHold[]>;

/**
 * After a loss nobody knows what the fans in the shop hold. An admission that was brought back has its room as long as it may
 * last by itself, and then only a payment carries it on, which may last for minutes. So PostgreSQL is asked whose payments go on.
 * Those have their rooms exactly so long, whether or not anybody remembers them; all others are over and belong to the next.
 * Nobody is ended by a guess: without a whole answer, and from a moment behind the end, everything stays as it is.
 *
 * Resolves to how many admissions were ended.
 */
export async function endTheSilent(
  store: Store,
  sale: string,
  askForExtendedHolds: AskForExtendedHolds,
): Promise<number> {
  const listed = await list(store, sale, [0]);
  if (listed.length === 0) return 0;
  // Of whoever is over only later the answer says nothing.
  const [epoch, askedAt] = listed as [number, number, ...string[]];
  const holds = longestOfEach(await askForExtendedHolds(sale));
  for (let from = 0; from < holds.length; from += HOLDS_PER_CALL) {
    const told = holds.slice(from, from + HOLDS_PER_CALL).flatMap(valuesOf);
    if ((await notePayments(store, sale, [epoch, askedAt, ...told])) === 0) return 0;
  }
  let sum = 0;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds += 1) {
    const [, , ...entries] = await list(store, sale, [1]);
    const ended = entries.length === 0 ? 0 : await endSilent(store, sale, [epoch, askedAt, ...entries]);
    sum += ended;
    // What is left is for the next answer.
    if (ended === 0) break;
  }
  return sum;
}

/** A fan may pay for several holds, one after another: the room is theirs as long as the last of them lives. */
function longestOfEach(holds: readonly ExtendedHold[]): ExtendedHold[] {
  const longest = new Map<string, ExtendedHold>();
  for (const hold of holds)
    if (hold.leftMs > (longest.get(hold.entry)?.leftMs ?? 0)) longest.set(hold.entry, hold);
  return [...longest.values()];
}

/** In the order of note-payments.lua's ARGV. */
const valuesOf = ({ entry, queueNumber, admittedAt, leftMs }: ExtendedHold): (string | number)[] => [
  ...[entry, queueNumber ?? 0, admittedAt ?? 0],
  Math.ceil(leftMs),
];

/** From every gateway: whoever hears first, it is done once. */
export const keepEndingTheSilent = (
  store: Store,
  watch: QueueWatch,
  askForExtendedHolds: AskForExtendedHolds,
  log: Log,
): Stop =>
  everyEach(
    ASK_INTERVAL_MS,
    () => watch.sales().filter((sale) => (watch.remembered(sale)?.silent ?? 0) > 0),
    async (sale) => {
      const ended = await endTheSilent(store, sale, askForExtendedHolds);
      if (ended > 0)
        log.info({ sale, ended }, 'admissions that were brought back are over: nobody pays in them');
    },
    (error) => log.warn({ err: error }, 'whose payments go on could not be asked'),
  );
