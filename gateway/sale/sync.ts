import type { SaleStock } from '#shared/contract/sale.ts';
import { every, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import type { BookingCatalogue, StockOfSale } from '../booking/catalogue.ts';
import type { QueueWatch } from '../queue/watch.ts';
import type { Store } from '../redis/script.ts';
import { markSaved, markSoldOut, putSale, unsavedChanges } from './live-sale.ts';
import { recordAgain } from './record-again.ts';
import { renumberChanges } from './renumber.ts';
import { shareStock } from './shared-stock.ts';

const SYNC_INTERVAL_MS = 500;
/** Older figures are not the organiser's live ones. */
const STOCK_AGE_MS_MAX = 3_000;
const SAVE_ROUNDS_MAX = 10;
const FIRST_SYNC_MS_MAX = 10_000;

/**
 * Keeps the durable and the live copy of every sale in step, from every gateway, twice a second: definitions that are
 * newer in PostgreSQL go to Redis, changes that took effect in Redis go to PostgreSQL, and a sale whose last seat is
 * sold is marked so.
 */
export type SaleSync = {
  /** The seats of a sale as last heard; null before that. */
  stockOf: (sale: string) => SaleStock | null;
  /** The same while it is as good as current: null once the booking service has not been heard for STOCK_AGE_MS_MAX. */
  currentStockOf: (sale: string) => SaleStock | null;
  /** The same with its age, for turns to depend on. */
  seatsOf: (sale: string) => CountedSeats | null;
  /** How many seats of a sale are open at this moment, asked for; throws `unavailable`. */
  countOpen: (sale: string) => Promise<number>;
  /** Records the changes of a sale that PostgreSQL does not have yet; true when none is left. */
  save: (sale: string) => Promise<boolean>;
  /** Whether sales are known, or could not be compared for so long that waiting makes no sense. */
  isReady: () => boolean;
  stop: Stop;
};

/** The seats of a sale as they were `ageMs` ago, and when the next hold ends (epoch ms, null for none). */
export type CountedSeats = SaleStock & { ageMs: number; nextHoldEnds: number | null };

export function keepSalesInStep(
  store: Store,
  watch: QueueWatch,
  catalogue: BookingCatalogue,
  log: Log,
): SaleSync {
  let stocks = new Map<string, StockOfSale>();
  let heardAt = Number.NEGATIVE_INFINITY;
  /** When the seats were as they were told, by this process's clock. */
  let countedAt = Number.NEGATIVE_INFINITY;
  const shared = shareStock(store, log);
  const keepRecorded = recordAgain(store, log);
  let compared = false;
  const startedAt = performance.now();
  const isSettled = () => compared || performance.now() - startedAt > FIRST_SYNC_MS_MAX;
  // Where Redis knows the sales there is a queue to serve, whether or not the booking service answers.
  const isReady = () => isSettled() || (watch.hasLooked() && watch.sales().length > 0);

  const save = async (sale: string): Promise<boolean> => {
    for (let round = 0; round < SAVE_ROUNDS_MAX; round += 1) {
      const changes = await unsavedChanges(store, sale);
      if (changes.length === 0) return true;
      const recorded = await catalogue.recordChanges(sale, changes, ({ before: _, ...change }) => change);
      const waiting = await markSaved(store, sale, recorded);
      if (waiting === 0) return true;
      if (recorded.length < changes.length) await renumberChanges(store, await catalogue.sale(sale), log);
    }
    return false;
  };

  const step = async (stock: StockOfSale) => {
    const { sale } = stock;
    const snapshot = watch.isLost(sale) ? null : watch.remembered(sale);
    // Before a newer definition comes over them: they may have been made from an older one.
    if (snapshot && snapshot.unsavedChanges > 0) await save(sale);
    if (!snapshot || snapshot.definition.version < stock.version) {
      const definition = await catalogue.sale(sale);
      const accessCodes = definition.accessCodeUses === null ? [] : await catalogue.accessCodes(sale);
      await putSale(store, definition, accessCodes, { wasLive: watch.isLost(sale) });
      const { recovering } = await watch.renew(sale);
      if (recovering) log.error({ sale }, 'a sale was put back into Redis: places are being restored');
      return;
    }
    await keepRecorded(snapshot, { version: stock.version, countedAt }, () => catalogue.sale(sale));
    // Counted under these very settings: a sale that was just opened again is not sold out by an older count.
    const isOfNow = stock.version === snapshot.definition.version;
    const everySeatSold = isOfNow && stock.sold > 0 && stock.open === 0 && stock.held === 0;
    if (everySeatSold && (snapshot.state === 'open' || snapshot.state === 'paused')) {
      await markSoldOut(store, sale, snapshot.definition.version);
      await watch.renew(sale);
    }
  };

  const stop = every(
    SYNC_INTERVAL_MS,
    async () => {
      try {
        const askedAt = performance.now();
        const { sales, ageMs } = await catalogue.stock();
        stocks = new Map(sales.map((stock) => [stock.sale, stock]));
        countedAt = askedAt - ageMs;
        heardAt = performance.now();
      } catch (error) {
        // Shown only: nothing is decided by what another gateway heard.
        if (stocks.size === 0) stocks = await shared.read();
        throw error;
      }
      await shared.write(stocks);
      const results = await Promise.allSettled([...stocks.values()].map(step));
      compared = true;
      for (const result of results) {
        if (result.status === 'rejected')
          log.warn({ err: result.reason }, 'a sale could not be kept in step');
      }
    },
    (error) => {
      // Services start side by side; only afterwards is it worth a word.
      const level = isSettled() ? 'warn' : 'debug';
      log[level]({ err: error }, 'sales cannot be kept in step: the booking service does not answer');
    },
  );

  return {
    stockOf: (sale) => stocks.get(sale) ?? null,
    currentStockOf: (sale) =>
      performance.now() - heardAt <= STOCK_AGE_MS_MAX ? (stocks.get(sale) ?? null) : null,
    seatsOf: (sale) => {
      const ageMs = performance.now() - countedAt;
      const stock = stocks.get(sale);
      return stock && ageMs <= STOCK_AGE_MS_MAX ? { ...stock, ageMs } : null;
    },
    countOpen: async (sale) =>
      (await catalogue.stock()).sales.find((stock) => stock.sale === sale)?.open ?? 0,
    save,
    isReady,
    stop,
  };
}
