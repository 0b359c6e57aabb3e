import { resolve } from 'node:path';
import { ownPgbouncer } from '../../testing/pgbouncer-server.ts';
import { type Figure, median } from '../figures.ts';
import { type HttpBench, type Measured, seller } from './over-http.ts';
import { ROUND_MS, ROUNDS, say } from './settings.ts';
import { type Shop, startShop } from './shop.ts';

/** As start:scaled has it for two booking services and a worker. */
const SESSIONS = 28;
/** By way of a further process on the same two cores. */
const SHARE_MIN = { hold: 0.6, order: 0.5 } as const;

type Pooled = { name: string; shop: Shop };

/** Holds and orders of the same booking service by way of PgBouncer, against straight; unprepared, and prepared where it can. */
export async function measurePooler(
  bench: HttpBench & { urls: { databaseUrl: string; redisUrl: string }; root: string },
): Promise<Figure[]> {
  const { signer, together, urls, root } = bench;
  const sell = seller(bench);
  const binaries = resolve(root, process.env.DATA_DIR || '.data', 'pgbouncer-server');
  const pgbouncer = await ownPgbouncer(urls.databaseUrl, { poolSize: SESSIONS, binaries });
  const pooled: Pooled[] = [];
  try {
    const pooledUrls = { ...urls, databaseUrl: pgbouncer.url };
    for (const prepare of pgbouncer.prepares ? ['off', 'on'] : ['off']) {
      const shop = await startShop(pooledUrls, signer.jwk, false, { POOLED_PREPARE: prepare });
      pooled.push({ name: prepare === 'on' ? 'prepared' : 'unprepared', shop });
    }
    const all = [together, ...pooled.map(({ shop }) => shop)];
    // Once for nothing: code is compiled from here on.
    for (const shop of all) await sell('order', shop, ROUND_MS / 2);
    const figures: Figure[] = [];
    for (const kind of ['hold', 'order'] as const) {
      const rounds: Measured[][] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const measured: Measured[] = [];
        // Each is first as often as any other.
        for (let i = 0; i < all.length; i += 1) {
          const at = (round + i) % all.length;
          measured[at] = await sell(kind, all[at] as Shop, ROUND_MS);
        }
        rounds.push(measured);
      }
      const of = (at: number, what: 'perSecond' | 'p50Ms' | 'p99Ms') =>
        Math.round(median(rounds.map((round) => (round[at] as Measured)[what])));
      for (const [index, { name }] of pooled.entries()) {
        const at = index + 1;
        const note = `${of(at, 'perSecond')}/s of ${of(0, 'perSecond')}/s; p50 ${of(at, 'p50Ms')} of ${of(0, 'p50Ms')} ms, p99 ${of(at, 'p99Ms')} of ${of(0, 'p99Ms')} ms`;
        const what = `${kind}s by way of ${pgbouncer.title}, ${name}, against straight`;
        say(`${what}: ${note}`);
        figures.push({
          ...{ what, unit: ' ×', bound: SHARE_MIN[kind], side: 'at least', note },
          rounds: rounds.map((round) => (round[at] as Measured).perSecond / (round[0] as Measured).perSecond),
        });
      }
    }
    return figures;
  } finally {
    await Promise.all(pooled.map(({ shop }) => shop.stop()));
    await pgbouncer.stop();
  }
}
