import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ownPostgres } from '../testing/postgres-server.ts';
import { ownRedis } from '../testing/redis-server.ts';
import { type Services, startServices } from '../testing/services.ts';
import { faultsAfterwards, fuzzEnv, fuzzRound } from './fuzz.ts';

const MINUTES = 5;
const SEED_MAX = 2 ** 31 - 1;
/** Sales are closed, fans leave, seats are sold: after so many requests there is a new concert. */
const REQUESTS_PER_ROUND = 2_000;

const usage = `npm run fuzz [-- options]

Asks a shop of its own what nobody should ask, made of its /openapi.json, and judges every answer by the contract.
Ends with 0 when there is nothing to say, with 1 at the first fault, told as a curl line.

  --seed N     the same choices again (a random one, printed)
  --minutes M  how long (${MINUTES})`;

/** `npm run fuzz`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  let options: { seed: number; minutes: number };
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    return 2;
  }
  const { seed, minutes } = options;
  process.stdout.write(`Requests near to and far from the contract for ${minutes} min, --seed ${seed}.\n`);
  const shop = await startOwnShop(resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => shop.stop().finally(() => process.exit(1)));
  try {
    const endsAtMs = Date.now() + minutes * 60_000;
    const byStatus = new Map<number, number>();
    for (let round = 0; Date.now() < endsAtMs; round += 1) {
      const choices = { seed: (seed + round) % SEED_MAX, requestsMax: REQUESTS_PER_ROUND, endsAtMs };
      const result = await fuzzRound(shop.services, choices);
      for (const [status, count] of result.byStatus)
        byStatus.set(status, (byStatus.get(status) ?? 0) + count);
      const after = await faultsAfterwards(shop.services, `honest-${round}`);
      const faults = result.fault === null ? after : [result.fault, ...after];
      if (faults.length > 0) {
        process.stdout.write(`--seed ${choices.seed}:\n${faults.join('\n')}\n`);
        return 1;
      }
    }
    const counts = [...byStatus].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    process.stdout.write(`Nothing to say. Answers by status: ${counts.join(', ')}.\n`);
    return 0;
  } finally {
    await shop.stop();
  }
}

function readOptions(args: string[]): { seed: number; minutes: number } {
  const { values } = parseArgs({ args, options: { seed: { type: 'string' }, minutes: { type: 'string' } } });
  const { seed = String(randomInt(SEED_MAX)), minutes = String(MINUTES) } = values;
  if (!/^\d{1,9}$/.test(seed)) throw new Error('--seed must be a whole number of at most nine digits.');
  if (!/^\d{1,4}(\.\d+)?$/.test(minutes)) throw new Error('--minutes must be a number.');
  return { seed: Number(seed), minutes: Number(minutes) };
}

/** A shop with stores of its own; `stop` ends and removes all of it. */
async function startOwnShop(redisBinaries: string) {
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-fuzz-'));
    ends.push(() => rm(dataDir, { recursive: true, force: true }));
    const database = await ownPostgres();
    ends.push(database.stop);
    const redis = await ownRedis({}, redisBinaries);
    ends.push(redis.stop);
    const stores = { databaseUrl: database.url, redisUrl: redis.url, dataDir };
    const services: Services = await startServices(stores, { env: fuzzEnv });
    ends.push(services.stop);
    return { services, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
