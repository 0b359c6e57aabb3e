import type { Log } from '#shared/log.ts';
import type { StockOfSale } from '../booking/catalogue.ts';
import { stockKey } from '../redis/keys.ts';
import type { Store } from '../redis/script.ts';

const KEPT_MS = 24 * 3_600_000;
const WRITE_INTERVAL_MS = 1_000;

export type Stocks = Map<string, StockOfSale>;

/** What is left of each sale as any gateway last heard it, so that one that starts while nobody can be asked shows it. */
export function shareStock({ redis }: Store, log: Log) {
  let written = '';
  let writtenAt = Number.NEGATIVE_INFINITY;
  const report = (error: unknown) => log.debug({ err: error }, 'the stock cannot be shared for a moment');
  return {
    async write(stocks: Stocks): Promise<void> {
      const text = JSON.stringify([...stocks.values()]);
      if (performance.now() - writtenAt < WRITE_INTERVAL_MS) return;
      // Written from time to time without a change too: its lifetime goes on.
      if (text === written && performance.now() - writtenAt < KEPT_MS / 2) return;
      writtenAt = performance.now();
      written = text;
      await redis.set(stockKey, text, 'PX', KEPT_MS).catch(report);
    },
    async read(): Promise<Stocks> {
      const text = await redis.get(stockKey).catch(report);
      const stocks: StockOfSale[] = text ? JSON.parse(text) : [];
      return new Map(stocks.map((stock) => [stock.sale, stock]));
    },
  };
}
