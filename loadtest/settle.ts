import { setTimeout as wait } from 'node:timers/promises';
import { isBroken, openStores, type Verdict, verify } from '../infra/verify/verify.ts';
import { judgeOrders, readOrders } from './judge/books.ts';
import type { Judgement } from './judge/promises.ts';
import type { History } from './judge/read.ts';

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
    return {
      'lost-order': judgeOrders(history, orders),
      books: verdict.results.flatMap(({ promise, findings }) =>
        findings.map(({ text }) => `${promise}: ${text}`),
      ),
    };
  } finally {
    await stores.close();
  }
}
