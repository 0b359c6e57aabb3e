import { isoTime, isoTimeOrNull } from '#shared/clock.ts';
import { SaleDefinition } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { Problem } from '#shared/problem.ts';
import type { PulseFigures } from '../door/pulse.ts';
import { estimateWait, outlookOf } from '../queue/estimate.ts';
import { unknownSale } from '../queue/watch.ts';
import { type Store, saleScript } from '../redis/script.ts';
import type { SaleSync } from '../sale/sync.ts';

/** Whoever asks within this time is answered with the same reading. */
const READING_AGE_MS_MAX = 250;

/** What stats.lua answers, by name. */
type Reply = Pick<StatsAnswer, 'state' | 'version' | 'unsavedChanges' | 'effectivePerMinute' | 'rateReason'> &
  Pick<StatsAnswer, 'joined' | 'lobby' | 'waiting' | 'ready' | 'returning' | 'admitted' | 'overbooking'> &
  StatsAnswer['ended'] &
  StatsAnswer['estimateAccuracy'] & {
    now: number;
    turnsLastMinute: number;
    joinsLastMinute: number;
    heldBackBy: Exclude<StatsAnswer['heldBackBy'], null> | '';
    noShowPerMille: number;
    allHeldUntil: number;
    seatsLeft: number;
    pace: string;
    definition?: string;
  };

const script = saleScript<(string | number)[]>(new URL('./stats.lua', import.meta.url));

/** A sale's figures of one moment; `readAt` by this process's monotonic clock, in milliseconds. */
type Reading = {
  figures: Omit<StatsAnswer, 'ageMs' | 'seats' | 'door'>;
  definition: SaleDefinition;
  readAt: number;
};

export type StatsSources = {
  store: Store;
  stockOf: SaleSync['stockOf'];
  door: (sale: string) => PulseFigures;
};

/** Live figures of sales. */
export type SaleStats = {
  /**
   * The figures as of a quarter of a second ago at most; one read of Redis serves all who ask meanwhile. While Redis is
   * away: those last read, with their age. Throws `not-found`, and `unavailable` when there is nothing to remember.
   */
  read: (sale: string) => Promise<StatsAnswer>;
};

export function readSaleStats({ store, stockOf, door }: StatsSources): SaleStats {
  const readings = new Map<string, Reading>();
  const underWay = new Map<string, Promise<Reading>>();

  const renew = (sale: string): Promise<Reading> => {
    const known = underWay.get(sale);
    if (known) return known;
    const reading = readFigures(store, sale, readings.get(sale) ?? null)
      .then(
        (fresh) => {
          readings.set(sale, fresh);
          return fresh;
        },
        (error: unknown) => {
          if (error instanceof Problem && error.code === 'not-found') readings.delete(sale);
          const remembered = readings.get(sale);
          if (remembered) return remembered;
          throw error;
        },
      )
      .finally(() => underWay.delete(sale));
    underWay.set(sale, reading);
    return reading;
  };

  return {
    async read(sale) {
      const known = readings.get(sale);
      const isFresh = known && performance.now() - known.readAt <= READING_AGE_MS_MAX;
      const { figures, readAt } = isFresh ? known : await renew(sale);
      return {
        ...figures,
        ageMs: Math.round(performance.now() - readAt),
        seats: seatsOf(stockOf(sale)),
        door: door(sale),
      };
    },
  };
}

async function readFigures(store: Store, sale: string, known: Reading | null): Promise<Reading> {
  const readAt = performance.now();
  const reply = await script(store, sale, [known?.definition.version ?? 0]);
  if (reply.length === 1) throw unknownSale();
  const named: Record<string, unknown> = {};
  for (let i = 0; i < reply.length; i += 2) named[String(reply[i])] = reply[i + 1];
  const { definition: packed, finished, left, lapsed, missed, expired, closed, ...rest } = named as Reply;
  const {
    now,
    turnsLastMinute,
    joinsLastMinute,
    noShowPerMille,
    inside,
    sooner,
    later,
    pace,
    seatsLeft,
    ...said
  } = rest;
  const definition = packed === undefined ? known!.definition : SaleDefinition.parse(JSON.parse(packed));
  const { capacity, admitPerMinute, notice } = definition;
  const allHeldUntil = said.allHeldUntil || null;
  const outlook = outlookOf({ ...said, allHeldUntil, seatsLeft, capacity, pace });
  const figures = {
    sale,
    ...said,
    asOf: isoTime(now),
    ended: { finished, left, lapsed, missed, expired, closed },
    capacity,
    admitPerMinute,
    admittedPerMinute: turnsLastMinute,
    joinedPerMinute: joinsLastMinute,
    heldBackBy: said.heldBackBy || null,
    noShowShare: noShowPerMille < 0 ? null : noShowPerMille / 1000,
    allHeldUntil: isoTimeOrNull(allHeldUntil),
    estimate: estimateWait(outlook, said.lobby + said.waiting + 1),
    estimateAccuracy: { inside, sooner, later },
    durable: said.unsavedChanges === 0,
    notice,
  };
  return { figures, definition, readAt };
}

const seatsOf = (stock: ReturnType<SaleSync['stockOf']>): StatsAnswer['seats'] =>
  stock && { open: stock.open, held: stock.held, sold: stock.sold, blocked: stock.blocked };
