import { parseArgs } from 'node:util';
import { findRunningShop } from '../start/running-shop.mjs';
import { auditGoesThrough } from './books/audit.ts';
import { describeVerdict } from './report.ts';
import { isBroken, openStores, type Stores, verify } from './verify.ts';

const PATIENCE_SECONDS = 60;

const usage = `npm run verify [-- options]

Checks every promise about seats, orders, money, mail and queue on a running shop, and changes nothing.
Ends with 0 when all are kept, with 1 when one is broken, with 2 when it could not look.

  --json              the verdict as JSON, with its findings, 101 of a check at most
  --sale ID           only this sale's queue (the books are looked at whole)
  --audit HEAD        also whether the audit still goes through this head (NUMBER:HASH), noted from an earlier look
  --patience SECONDS  how long a mail, a capture or a change of settings may take (${PATIENCE_SECONDS})

It finds the shop that npm start runs here (DATA_DIR), or the one that DATABASE_URL and REDIS_URL name.`;

/** `npm run verify`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`);
  }
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const { databaseUrl, redisUrl, running, dataDir } = findRunningShop({ root });
  if (!databaseUrl || !redisUrl) {
    const missing = [databaseUrl ? '' : 'DATABASE_URL', redisUrl ? '' : 'REDIS_URL']
      .filter(Boolean)
      .join(' and ');
    return refuse(
      running
        ? `The shop in ${dataDir} was started with a ${missing} of its own; set the same here.`
        : `No shop runs in ${dataDir}: start one with npm start, or set ${missing} to the stores of another.`,
    );
  }
  let stores: Stores | null = null;
  try {
    stores = await openStores({ databaseUrl, redisUrl });
    const verdict = await verify(stores, options);
    if (options.head && !(await auditGoesThrough(stores.sql, options.head))) {
      process.stderr.write(`The audit was written anew: it does not go through ${options.audit}.\n`);
      return 1;
    }
    console.log(options.json ? JSON.stringify(verdict, null, 2) : describeVerdict(verdict));
    return isBroken(verdict) ? 1 : 0;
  } catch (error) {
    return refuse(`The shop could not be looked at: ${(error as Error).message || String(error)}`);
  } finally {
    await stores?.close();
  }
}

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      sale: { type: 'string' },
      audit: { type: 'string' },
      patience: { type: 'string', default: String(PATIENCE_SECONDS) },
    },
  });
  if (!/^\d{1,6}$/.test(values.patience)) throw new Error('--patience must be a number of seconds.');
  const [, number, chain] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(values.audit ?? '') ?? [];
  if (values.audit !== undefined && !chain)
    throw new Error('--audit must be NUMBER:HASH, as an earlier look told it.');
  const head = chain ? { number: Number(number), chain } : null;
  return { ...values, head, patienceMs: Number(values.patience) * 1000 };
}

function refuse(why: string): number {
  process.stderr.write(`${why}\n`);
  return 2;
}
