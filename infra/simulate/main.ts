import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createLog } from '#shared/log.ts';
import { createDb } from '../../booking-service/db/client.ts';
import { queueFixture } from '../../gateway/testing/queue-fixture.ts';
import { ownPostgres } from '../testing/postgres-server.ts';
import { ownRedis } from '../testing/redis-server.ts';
import { simulateQueue } from './queue.ts';
import { simulateShop, type Verdict } from './shop.ts';

const SEEDS = 2_000;
const SEEDS_MAX = 1_000_000;
const FIRST_BYTES = 3;
/** How many histories share a database: what is looked at in the end is all of it. */
const PER_DATABASE = 50;
const USAGE =
  'npm run simulate [-- --seeds N --from SEED --part queue|shop]   (every seed from SEED on; of both parts)\n';

/** `npm run simulate`: resolves to the exit code, 1 when a promise was broken; then says the seed, and every step of it. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const asked = read(args);
  if (asked === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { seeds, from, parts } = asked;
  process.stdout.write(`${seeds} histories of ${parts.join(' and ')}, seeds from ${from} on.\n`);
  let isOver = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isOver = true));
  for (const part of parts) {
    let done = 0;
    while (done < seeds && !isOver) {
      const simulate = await (part === 'queue' ? queues(root) : shops());
      try {
        for (let i = 0; i < PER_DATABASE && done < seeds && !isOver; i += 1, done += 1) {
          const seed = String(from + done);
          const { faults, steps } = await simulate.run(seed);
          if (faults.length === 0) continue;
          process.stdout.write(`${steps.join('\n')}\n\nBroken, by seed ${seed} of the ${part}:\n`);
          process.stdout.write(`  ${faults.join('\n  ')}\n`);
          process.stdout.write(`npm run simulate -- --part ${part} --from ${seed} --seeds 1\n`);
          return 1;
        }
      } finally {
        await simulate.stop();
      }
    }
    process.stdout.write(`${done} histories of the ${part}: every promise was kept.\n`);
  }
  return 0;
}

type Part = 'queue' | 'shop';

function read(args: string[]): { seeds: number; from: number; parts: Part[] } | null {
  try {
    const { values } = parseArgs({
      args,
      options: { seeds: { type: 'string' }, from: { type: 'string' }, part: { type: 'string' } },
    });
    const seeds = Number(values.seeds ?? SEEDS);
    const from = Number(values.from ?? randomBytes(FIRST_BYTES).readUIntBE(0, FIRST_BYTES));
    const isKnown = values.part === undefined || values.part === 'queue' || values.part === 'shop';
    const isCount = Number.isInteger(seeds) && seeds > 0 && seeds <= SEEDS_MAX;
    if (!isKnown || !isCount || !Number.isSafeInteger(from) || from < 0) return null;
    return { seeds, from, parts: values.part === undefined ? ['queue', 'shop'] : [values.part as Part] };
  } catch {
    return null; // an option that is none
  }
}

type Simulation = { run: (seed: string) => Promise<Verdict>; stop: () => Promise<void> };

async function queues(root: string): Promise<Simulation> {
  const redis = await ownRedis({}, resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  const f = await queueFixture(redis.url);
  return {
    run: (seed) => simulateQueue(f, seed),
    stop: async () => {
      await f.close();
      await redis.stop();
    },
  };
}

async function shops(): Promise<Simulation> {
  const database = await ownPostgres();
  const db = createDb(database.url, { applicationName: 'simulate' });
  return {
    run: (seed) => simulateShop({ db, log: createLog('simulate', 'silent') }, seed),
    stop: async () => {
      await db.close();
      await database.stop();
    },
  };
}
