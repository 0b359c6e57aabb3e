import { resolve } from 'node:path';
import { ownRedis } from '../../testing/redis-server.ts';
import { holds, table } from '../figures.ts';
import { measureDraws } from './figures.ts';

const ENTRIES = 1_000_000;
const ENTRIES_MAX = 20_000_000;
const ROUNDS = Number(process.env.ROUNDS ?? 1);

/** `npm run bench:draw [-- ENTRIES]`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const entries = Number(args[0] ?? ENTRIES);
  if (!Number.isInteger(entries) || entries < 1 || entries > ENTRIES_MAX) {
    process.stderr.write(`npm run bench:draw [-- ENTRIES], a number up to ${ENTRIES_MAX}\n`);
    return 2;
  }
  const redis = await ownRedis({}, resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  try {
    const figures = await measureDraws(redis.url, entries, ROUNDS);
    process.stdout.write(`${table(figures)}\n`);
    return figures.every(holds) ? 0 : 1;
  } finally {
    await redis.stop();
  }
}
