import { everyEach, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { counter } from '#shared/metrics/registry.ts';
import type { QueueWatch } from '../queue/watch.ts';
import { type Store, saleScript } from '../redis/script.ts';
import type { CountedSeats } from '../sale/sync.ts';

const TURNS_INTERVAL_MS = 200;
/** Half of a gateway's time between two runs; what is left then waits for the next. */
const RUN_MS_MAX = 100;
const CALLS_PER_RUN_MAX = 500;

const script = saleScript<[string] | [given: number, more: 0 | 1]>(
  new URL('./give-turns.lua', import.meta.url),
);

const turns = counter('admit_one_turns_given_total', 'Turns that this gateway gave in a sale.', ['sale']);

/** What the booking service made of holds and orders, counted since some moment. */
export type Answered = { requests: number; errors: number; slow: number };

/** What a gateway knows that turns depend on: how the shop answered since it last said so, and the seats, if it knows. */
export type ShopFacts = { answered: Answered; seats: CountedSeats | null };

const noFacts: ShopFacts = { answered: { requests: 0, errors: 0, slow: 0 }, seats: null };

/** Ends what is over and gives the turns that capacity, rate and seats allow at this moment; returns how many. */
export async function giveTurns(store: Store, sale: string, facts = noFacts): Promise<number> {
  let sum = 0;
  let args = scriptFacts(facts);
  const until = performance.now() + RUN_MS_MAX;
  for (let calls = 0; calls < CALLS_PER_RUN_MAX; calls += 1) {
    const [given, more] = await script(store, sale, args);
    args = [];
    if (typeof given === 'string') break;
    sum += given;
    turns.add(given, sale);
    if (more === 0 || performance.now() > until) break;
  }
  return sum;
}

/**
 * Every gateway gives turns for every sale, several times a second. The script alone decides, so it does not matter how
 * many do it, who was first, or who died in the middle.
 */
export function keepGivingTurns(
  store: Store,
  watch: QueueWatch,
  shop: { answered: (sale: string) => Answered; seatsOf: (sale: string) => CountedSeats | null },
  log: Log,
): Stop {
  const told = new Map<string, Answered>();
  return everyEach(
    TURNS_INTERVAL_MS,
    watch.sales,
    async (sale) => {
      const sum = shop.answered(sale);
      const answered = since(told.get(sale), sum);
      const given = await giveTurns(store, sale, { answered, seats: shop.seatsOf(sale) });
      // Only now: what Redis did not hear is told with the next call.
      told.set(sale, sum);
      for (const gone of told.keys()) if (!watch.remembered(gone)) told.delete(gone);
      if (given > 0) await watch.renew(sale);
    },
    (error) => log.warn({ err: error }, 'turns could not be given'),
  );
}

/** Sums that fell have begun anew. */
function since(before: Answered | undefined, sum: Answered): Answered {
  if (!before || sum.requests < before.requests) return sum;
  return {
    requests: sum.requests - before.requests,
    errors: sum.errors - before.errors,
    slow: sum.slow - before.slow,
  };
}

/** In the order of give-turns.lua's ARGV. */
function scriptFacts({ answered, seats }: ShopFacts): (string | number)[] {
  const { requests, errors, slow } = answered;
  if (!seats) return [requests, errors, slow];
  const { open, held, sold, ageMs, nextHoldEnds } = seats;
  return [requests, errors, slow, open, held, sold, Math.ceil(ageMs), nextHoldEnds ?? 0];
}
