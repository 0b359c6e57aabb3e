import { setTimeout as wait } from 'node:timers/promises';
import postgres from 'postgres';
import { connectToAll, openRedis, type RedisClient } from '#shared/redis.ts';
import { salesKey } from '../../gateway/redis/keys.ts';
import { type AuditHead, auditHead } from './books/audit.ts';
import { booksChecks, findIn } from './books/books.ts';
import { bothChecks } from './both/checks.ts';
import { capacitiesInForce, faultOfSale, judgeShoppers, recordedSales } from './both/judge.ts';
import { type Check, FINDINGS_MAX, type Finding } from './check.ts';
import { queueChecks } from './queue/checks.ts';
import { judgeQueue } from './queue/judge.ts';
import { queueReader } from './queue/read.ts';

/** Long enough for what is on its way: sales are kept in step and orders settled twice a second. */
const SECOND_LOOK_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const REDIS_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_SECONDS = 5;

export type Stores = { sql: postgres.Sql; redis: RedisClient; close: () => Promise<void> };

/** Connections that cannot change anything: PostgreSQL refuses writes on them, Redis is only asked by reads. */
export async function openStores(urls: { databaseUrl: string; redisUrl: string }): Promise<Stores> {
  const sql = postgres(urls.databaseUrl, {
    max: 1,
    onnotice: () => undefined,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    connection: {
      application_name: 'admit-one/verify',
      default_transaction_read_only: true,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      timezone: 'UTC',
    },
  });
  const redis = openRedis(urls.redisUrl, {
    lazyConnect: true,
    commandTimeout: REDIS_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_SECONDS * 1000,
    retryStrategy: null,
  });
  // What fails is said by the command that fails.
  redis.on('error', () => undefined);
  const close = async () => {
    redis.disconnect();
    await sql.end({ timeout: 1 });
  };
  try {
    await Promise.all([connectToAll(redis), sql`select`]);
  } catch (error) {
    await close();
    throw error;
  }
  return { sql, redis, close };
}

export type Options = {
  /** How long something may be owed before it counts as broken. */
  patienceMs: number;
  /** Only this sale's queue; the books are looked at whole. */
  sale?: string | undefined;
};

export type Result = Check & { findings: Finding[] };
export type Looked = Record<'events' | 'seats' | 'orders' | 'sales' | 'entries' | 'holds', number>;
/** `audit`: the newest link of the audit's chain, which covers all of it. */
export type Verdict = {
  at: string;
  tookMs: number;
  looked: Looked;
  audit: AuditHead | null;
  results: Result[];
};

/** Every check, in the order in which they are reported. */
export const allChecks: Check[] = [...booksChecks, ...queueChecks, ...bothChecks];

/**
 * Checks every promise on live servers and changes nothing. What may only be on its way between two places is looked at
 * twice before it is called broken. Throws when a store cannot be read.
 */
export async function verify(stores: Stores, options: Options): Promise<Verdict> {
  const startedAt = performance.now();
  const { found, looked } = await lookAtAll(stores, options);
  const inDoubt = allChecks.filter(({ name, secondLook }) => secondLook && found.has(name));
  if (inDoubt.length > 0) {
    await wait(SECOND_LOOK_MS);
    const again = (await lookAtAll(stores, options)).found;
    for (const { name } of inDoubt) {
      const still = new Set(again.get(name)?.map(({ about }) => about));
      found.set(name, found.get(name)?.filter(({ about }) => still.has(about)) ?? []);
    }
  }
  return {
    at: new Date().toISOString(),
    tookMs: Math.round(performance.now() - startedAt),
    looked,
    audit: await auditHead(stores.sql),
    results: allChecks.map((check) => ({ ...check, findings: found.get(check.name) ?? [] })),
  };
}

export const isBroken = ({ results }: Verdict): boolean =>
  results.some(({ findings }) => findings.length > 0);

async function lookAtAll(
  { sql, redis }: Stores,
  { patienceMs, sale: only }: Options,
): Promise<{ found: Map<string, Finding[]>; looked: Looked }> {
  const bounds = { patienceMs };
  const found = new Map<string, Finding[]>();
  const report = (check: string, about: string, text: string) => {
    const known = found.get(check) ?? [];
    found.set(check, known);
    if (known.length <= FINDINGS_MAX) known.push({ about, text });
  };
  for (const check of booksChecks) {
    for (const { about, finding } of await findIn(sql, check, bounds)) report(check.name, about, finding);
  }

  const [counts] = await sql<Looked[]>`
    select (select count(*)::int from event) as events, (select count(*)::int from seat) as seats,
      (select count(*)::int from ticket_order) as orders`;
  const looked: Looked = { ...(counts as Looked), sales: 0, entries: 0, holds: 0 };

  const recorded = new Map((await recordedSales(sql)).map((sale) => [sale.sale, sale]));
  const live = await redis.smembers(salesKey);
  const sales = [...new Set([...recorded.keys(), ...live])].filter((sale) => !only || sale === only);
  for (const sale of sales) {
    const reader = queueReader(redis, sale);
    const capacityInForce = await capacitiesInForce(sql, sale);
    const verdict = await judgeQueue(reader, { patienceMs, capacityInForce });
    for (const [check, findings] of verdict?.findings ?? [])
      for (const { about, text } of findings) report(check, about, text);
    // Sales that are history stay in Redis without being kept in step.
    const [row] = recorded.has(sale) ? [] : await sql`select from sale where id = ${sale}`;
    const fault = row
      ? null
      : faultOfSale(
          recorded.get(sale) ?? null,
          verdict?.figures ?? null,
          await reader.oldestUnsaved(),
          bounds,
        );
    if (fault) report('sales-are-live-as-recorded', sale, `Sale ${sale} ${fault}`);
    looked.sales += 1;
    looked.entries += verdict?.entries ?? 0;
    if (verdict) looked.holds += await judgeShoppers(sql, reader, bounds, report);
  }
  return { found, looked };
}
