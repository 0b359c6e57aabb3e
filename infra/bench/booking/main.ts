import { resolve } from 'node:path';
import postgres from 'postgres';
import { createSigner } from '../../../booking-service/testing/signer.ts';
import { ownPostgres } from '../../testing/postgres-server.ts';
import { ownRedis } from '../../testing/redis-server.ts';
import { type Figure, holds, table } from '../figures.ts';
import { startChild } from '../processes.ts';
import { measureBelowHttp } from './below-http.ts';
import { measureDoor } from './door.ts';
import { measureIntake } from './intake.ts';
import { measureOverHttp, measureStatus } from './over-http.ts';
import { measurePooler } from './pooler.ts';
import { IN_FLIGHT, ROUND_MS, ROUNDS, say } from './settings.ts';
import { type Shop, startShop } from './shop.ts';

const PARTS = ['http', 'status', 'below', 'intake', 'door', 'pooler'];

/** `npm run bench:booking [-- PART …]`: resolves to the exit code, 1 when a figure does not hold. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const unknown = args.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) {
    process.stderr.write(`npm run bench:booking [-- PART …], of ${PARTS.join(', ')}\n`);
    return 2;
  }
  const isAsked = (part: string) => args.length === 0 || args.includes(part);

  const database = await ownPostgres();
  const redis = await ownRedis({}, resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
  const client = startChild(new URL('./client.ts', import.meta.url));
  const shops: Shop[] = [];
  try {
    const [settings] = await sql<Record<string, string>[]>`
      select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('server_version') as version`;
    say(
      `Booking on this machine: PostgreSQL ${settings?.version}, fsync ${settings?.fsync}, synchronous_commit ${settings?.commit}; ${IN_FLIGHT} in flight, ${ROUNDS} rounds of ${ROUND_MS / 1000} s.`,
    );
    const signer = await createSigner();
    const urls = { databaseUrl: database.url, redisUrl: redis.url };
    const plain = await startShop(urls, signer.jwk, true);
    shops.push(plain);
    const together = await startShop(urls, signer.jwk, false);
    shops.push(together);
    const figures: Figure[] = [];
    const bench = { sql, signer, client, plain, together };
    if (isAsked('http')) figures.push(...(await measureOverHttp(bench)));
    if (isAsked('status')) figures.push(...(await measureStatus(bench)));
    if (isAsked('below')) figures.push(...(await measureBelowHttp(sql, database.url, together.port)));
    if (isAsked('intake')) figures.push(...(await measureIntake(sql, urls, together.port)));
    if (isAsked('door'))
      figures.push(...(await measureDoor({ redisUrl: redis.url, signer, client, shop: together })));
    if (isAsked('pooler')) figures.push(...(await measurePooler({ ...bench, urls, root })));
    say(table(figures));
    return figures.every(holds) ? 0 : 1;
  } finally {
    await Promise.all([client.stop(), ...shops.map((shop) => shop.stop())]);
    await sql.end();
    await redis.stop();
    await database.stop();
  }
}
