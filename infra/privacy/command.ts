import postgres from 'postgres';
import { findRunningShop } from '../start/running-shop.mjs';
import type { Found } from './erase-orders.ts';

const CONNECT_TIMEOUT_SECONDS = 5;
const STATEMENT_TIMEOUT_MS = 60_000;

/** Runs `work` on the shop's PostgreSQL and resolves to its exit code; 2, and one sentence, where there is none. */
export async function onBooks(
  root: string,
  work: (sql: postgres.Sql, dataDir: string) => Promise<number>,
): Promise<number> {
  const { databaseUrl, dataDir } = findRunningShop({ root });
  if (!databaseUrl) {
    return refuse(
      `No shop runs in ${dataDir}: start one with npm start, or set DATABASE_URL to that of another.`,
    );
  }
  const sql = postgres(databaseUrl, {
    max: 1,
    onnotice: () => undefined,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    connection: { application_name: 'admit-one/privacy', statement_timeout: STATEMENT_TIMEOUT_MS },
  });
  try {
    return await work(sql, dataDir);
  } catch (error) {
    return refuse(`The books could not be reached: ${(error as Error).message || String(error)}`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

export function refuse(why: string): number {
  process.stderr.write(`${why}\n`);
  return 2;
}

/** What stays of erased orders, and why. */
export function describeKept({ orders, inProgress, tickets, amounts }: Found): string {
  const sums = amounts.map(({ amount, currency }) => `${(amount / 100).toFixed(2)} ${currency}`).join(', ');
  return [
    `Kept: seats, amounts (${sums || 'none'}) and times of ${orders.length} orders, without a person, for the accounts;`,
    `${tickets} ticket codes, which the entrance of the concert has to know; the audit, which names orders and organisers.`,
    ...(inProgress > 0
      ? [`Left: ${inProgress} orders in progress; run this again when they have ended.`]
      : []),
    'Not reached: backups, mail that was sent, the payment provider, log files of PostgreSQL, and reasons that organisers wrote.',
  ].join('\n');
}
