import { FINDINGS_MAX } from '../check.ts';
import { auditChecks } from './audit.ts';
import type { BooksBounds, BooksCheck, BooksRow, Sql } from './check.ts';
import { limitChecks } from './limits.ts';
import { mailChecks } from './mail.ts';
import { moneyChecks } from './money.ts';
import { orderChecks } from './orders.ts';
import { seatLogChecks } from './seat-log.ts';
import { seatChecks } from './seats.ts';

/** Everything that can be judged from PostgreSQL alone. Each check is one statement, and so sees one moment. */
export const booksChecks: BooksCheck[] = [
  ...seatChecks,
  ...seatLogChecks,
  ...auditChecks,
  ...orderChecks,
  ...moneyChecks,
  ...mailChecks,
  ...limitChecks,
];

/** What a check finds, at most one more than FINDINGS_MAX. */
export const findIn = (sql: Sql, check: BooksCheck, bounds: BooksBounds) =>
  sql<BooksRow[]>`
    select about, finding from (${check.find(sql, bounds)}) as found order by about limit ${FINDINGS_MAX + 1}`;
