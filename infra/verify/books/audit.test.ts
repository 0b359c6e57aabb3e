import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBooking, type TestBooking } from '../../../booking-service/testing/booking.ts';
import { auditChecks, auditGoesThrough, auditHead } from './audit.ts';
import { findIn } from './books.ts';
import type { Sql } from './check.ts';

const WRITERS = 30;

let booking: TestBooking;
let sql: Sql;
let event: string;

beforeAll(async () => {
  booking = await startBooking();
  sql = postgres(booking.databaseUrl, { max: 1, onnotice: () => {} });
  event = (await booking.makeEvent([{ name: 'A', rows: 4, seatsPerRow: 10, amount: 6_500 }])).event;
  await booking.makeSale(event);
  for (const seat of ['A-1-1', 'A-1-2', 'A-1-3']) await block(seat);
});
afterAll(async () => {
  await sql?.end();
  await booking?.stop();
});

const block = (seat: string) =>
  booking.internal('POST', `/internal/events/${event}/seats/block`, {
    json: { seats: [seat], reason: 'desk' },
  });

async function found(): Promise<string[]> {
  const [check] = auditChecks;
  const rows = await findIn(sql, check as (typeof auditChecks)[number], { patienceMs: 0 });
  return rows.map(({ finding }) => finding);
}

/** What the check says after a change by somebody who may switch triggers off, which is then undone. */
async function foundAfter(plant: () => Promise<unknown>): Promise<string[]> {
  await sql`begin`;
  try {
    for (const table of ['audit_entry', 'sale_change', 'audit_link'])
      await sql`alter table ${sql(table)} disable trigger user`;
    await plant();
    return await found();
  } finally {
    await sql`rollback`;
  }
}

test('an audit that nobody touched gives nothing to say', async () => {
  expect(await found()).toEqual([]);
});

test.each<[string, RegExp, () => Promise<unknown>]>([
  [
    'edited',
    /^Row \S+ of audit_entry was edited$/,
    () => sql`update audit_entry set reason = 'nothing' where seats = '{0}'`,
  ],
  [
    'edited in who',
    /was edited$/,
    () => sql`update audit_entry set by = 'somebody else' where seats = '{1}'`,
  ],
  [
    'edited in when',
    /was edited$/,
    () => sql`update audit_entry set at = at + interval '1 microsecond' where seats = '{1}'`,
  ],
  [
    'edited settings',
    /of sale_change was edited$/,
    () => sql`update sale_change set settings = settings || '{"capacity": 7}'`,
  ],
  ['removed', /was removed$/, () => sql`delete from audit_entry where seats = '{1}'`],
  ['removed at the end', /was removed$/, () => sql`delete from audit_entry where seats = '{2}'`],
  [
    'inserted',
    /^Row forged of audit_entry was written past the audit$/,
    () => sql`
      insert into audit_entry (id, by, action, event, before, after) values ('forged', 'x', 'block', ${event}, '{}', '{}')`,
  ],
  [
    'removed with its link',
    /^Link 3 of the audit does not follow/,
    async () => {
      await sql`delete from audit_link where entry = (select id from audit_entry where seats = '{0}')`;
      await sql`delete from audit_entry where seats = '{0}'`;
    },
  ],
  [
    'inserted with a link that follows, in the middle',
    /^Link 3 of the audit does not follow/,
    async () => {
      await sql`
        insert into audit_entry (id, by, action, event, before, after) values ('forged', 'x', 'block', ${event}, '{}', '{}')`;
      await sql`update audit_link set number = -number where number >= 2`;
      await sql`update audit_link set number = 1 - number where number < 0`;
      await sql`
        insert into audit_link (number, source, entry, digest, chain)
        select 2, 'audit_entry', 'forged', audit_digest(audit_entry), sha256(chain || audit_digest(audit_entry))
        from audit_link, audit_entry where number = 1 and id = 'forged'`;
    },
  ],
  [
    'reordered',
    /does not follow/,
    async () => {
      await sql`update audit_link set number = -number where number in (2, 3)`;
      await sql`update audit_link set number = 5 + number where number < 0`;
    },
  ],
])('a row that was %s is told', async (_, words, plant) => {
  const said = await foundAfter(plant);
  expect(said.length).toBeGreaterThan(0);
  expect(said.some((sentence) => words.test(sentence))).toBe(true);
});

test('an audit whose links were all made anew differs from the head that was noted before', async () => {
  const head = await auditHead(sql);
  if (!head) throw new Error('There is no audit.');
  expect(await auditGoesThrough(sql, head)).toBe(true);
  const said = await foundAfter(async () => {
    await sql`update audit_entry set reason = 'nothing' where seats = '{0}'`;
    await sql`create temp table rows on commit drop as select number, source, entry from audit_link`;
    await sql`delete from audit_link`;
    await sql`
      select link_audit(source, entry, coalesce(
        (select audit_digest(audit_entry) from audit_entry where source = 'audit_entry' and id = entry),
        (select audit_digest(sale_change) from sale_change where source = 'sale_change' and sale || ' ' || version = entry)
      )) from (select * from rows order by number) as rows`;
    expect(await auditGoesThrough(sql, head)).toBe(false);
  });
  expect(said).toEqual([]);
});

test('of many who write at once each has a link of its own, one behind the other', async () => {
  const before = (await auditHead(sql))?.number ?? 0;
  const answers = await Promise.all(
    Array.from({ length: WRITERS }, (_, i) =>
      i % 3 === 0
        ? booking.makeSale(event).then(() => 200)
        : block(`A-${2 + (i % 2)}-${1 + (i % 10)}`).then(({ status }) => status),
    ),
  );
  expect(answers.every((status) => status === 200)).toBe(true);
  const [written] = await sql<{ rows: number }[]>`
    select ((select count(*) from audit_entry) + (select count(*) from sale_change))::int as rows`;
  expect((await auditHead(sql))?.number).toBe(written?.rows);
  expect(written?.rows).toBeGreaterThan(before + WRITERS / 3);
  expect(await found()).toEqual([]);
});
