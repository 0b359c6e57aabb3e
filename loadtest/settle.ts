import { setTimeout as wait } from 'node:timers/promises';
import { readOrders } from '../infra/history/books.ts';
import { judgeOrders, toldByFans } from '../infra/history/orders.ts';
import type { Judgement } from '../infra/history/promises.ts';
import type { History } from '../infra/history/read.ts';
import { isBroken, openStores, type Verdict, verify } from '../infra/verify/verify.ts';

/** How long what is owed at the end of a run (mails, captures, orders taken for later) may take. */
const SETTLE_MS_MAX = 60_000;
const LOOK_INTERVAL_MS = 1_000;
/** Of what is found in passing only what lasts is a breach: at first nothing may be owed at all. */
const NO_PATIENCE_MS = 0;

/**
 * Judges what the run left in the shop's own books and queue, once everything has settled or SETTLE_MS_MAX has passed.
 */
export async function judgeBooks(
  history: History,
  urls: { databaseUrl: string; redisUrl: string },
): Promise<Judgement> {
  const { sale } = history.sale;
  const stores = await openStores(urls);
  try {
    const deadline = performance.now() + SETTLE_MS_MAX;
    let verdict: Verdict;
    do {
      verdict = await verify(stores, { patienceMs: NO_PATIENCE_MS, sale });
      if (!isBroken(verdict)) break;
      await wait(LOOK_INTERVAL_MS);
    } while (performance.now() < deadline);
    const orders = await readOrders(stores.sql, sale);
    // A script does not know its fans' entries; their e-mail addresses are their own.
    const byEmail = new Map([...orders].map(([id, order]) => [id, { ...order, fan: order.email }]));
    const told = toldByFans(sale, history.fans.values());
    return {
      'lost-order': judgeOrders({ told, orders: byEmail, refundsAsked: new Set() }),
      books: verdict.results.flatMap(({ promise, findings }) =>
        findings.map(({ text }) => `${promise}: ${text}`),
      ),
    };
  } finally {
    await stores.close();
  }
}
