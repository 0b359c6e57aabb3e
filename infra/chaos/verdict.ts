import postgres from 'postgres';
import { settled } from '../crowd/settle.ts';
import type { World } from '../crowd/world.ts';
import { readBooks } from '../history/books.ts';
import { type Disturbance, isDisturbed } from '../history/disturbance.ts';
import { judge, tooLate, unanswered } from '../history/judge.ts';
import { breachesOf } from '../history/promises.ts';
import type { Asked } from '../history/recorder.ts';
import { openStores, verify } from '../verify/verify.ts';
import type { Injected } from './campaign.ts';
import type { ChaosShop } from './shop.ts';

/** What `npm run verify` may find on its way, once nothing is. */
const PATIENCE_MS = 5_000;

export type Verdict = {
  seed: string;
  injected: readonly Injected[];
  asked: readonly Asked[];
  tally: ReadonlyMap<string, number>;
  orders: number;
  mails: { sent: number; acceptedTwice: number };
  settledMs: number;
  /** Promises that were broken. */
  breaches: string[];
  /** Answers that took too long while nothing was away: told, for a busy machine is no breach. */
  late: string[];
};

/** When all has come to its end: what was answered, the books, and the checks of `npm run verify`. */
export async function reachVerdict(of: {
  seed: string;
  shop: ChaosShop;
  world: World;
  injected: readonly Injected[];
  disturbances: readonly Disturbance[];
}): Promise<Verdict> {
  const { seed, shop, world, injected, disturbances } = of;
  const urls = { databaseUrl: shop.database.url, redisUrl: shop.redisUrl };
  const sql = postgres(urls.databaseUrl, { max: 1, onnotice: () => undefined });
  const looking = await openStores(urls);
  try {
    const { tookMs: settledMs, left } = await settled(sql);
    const { accepted } = shop.mail;
    const books = await readBooks(sql, new Set(accepted.keys()));
    // The same shop may have been hurt before.
    const mine = new Set(world.sales.map(({ sale }) => sale));
    for (const [id, { sale }] of books.orders) if (!mine.has(sale)) books.orders.delete(id);
    const { results } = await verify(looking, { patienceMs: PATIENCE_MS });
    const { all: asked } = world.history;
    const calm = asked.filter((each) => !isDisturbed(each, disturbances));
    const breaches = [
      ...(left ? [`Not settled: ${left}`] : []),
      ...injected.flatMap(({ fault, breaches }) => breaches.map((text) => `${fault.name}: ${text}`)),
      ...results.flatMap(({ name, findings }) =>
        findings.map(({ text }) => `npm run verify (${name}): ${text}`),
      ),
      ...world.faults,
      ...unanswered(calm),
      ...breachesOf(judge({ asked, books, disturbances, sales: world.sales, hall: world.show.hall })),
    ];
    const twice = [...accepted.values()].filter((times) => times > 1).length;
    return {
      ...{ seed, injected, asked, tally: world.tally, orders: books.orders.size, settledMs, breaches },
      mails: { sent: books.mails.length, acceptedTwice: twice },
      late: tooLate({ asked: calm, disturbances: [] }),
    };
  } finally {
    await looking.close();
    await sql.end({ timeout: 1 });
  }
}
