import { isDeepStrictEqual } from 'node:util';
import type postgres from 'postgres';
import { SaleDefinition, type SaleSettings } from '#shared/contract/sale.ts';
import { CLOCK_TOLERANCE_SECONDS, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { scriptSettings } from '../../../gateway/sale/settings.ts';
import { settingsInForce } from '../books/limits.ts';
import type { Bounds } from '../check.ts';
import type { EntryRecord, Figures, QueueReader } from '../queue/read.ts';
import type { BothCheckName } from './checks.ts';

const ROWS_PER_PAGE = 500;
/** A change acts in Redis first, by another clock than the one it is recorded by. */
const CHANGE_SLACK_MS = 30_000;

export type RecordedSale = { sale: string; version: number; settings: SaleSettings };
type Report = (check: BothCheckName, about: string, text: string) => void;

/** The sales that must be live: all but those that are history (booking-service/catalogue/sale.ts keeps them 30 days). */
export const recordedSales = (sql: postgres.Sql) => sql<RecordedSale[]>`
  select sale.id as sale, version, settings from sale join event on event.id = sale.event
  where least(
    (settings ->> 'closedAt')::timestamptz, (settings ->> 'closesAt')::timestamptz, event.starts_at
  ) > clock_timestamp() - interval '29 days'`;

type InForce = {
  ends: Date | number;
  capacity: number | null;
  claimSeconds: number | null;
  admissionSeconds: number | null;
};

const settingsOf = (sql: postgres.Sql, sale: string) => sql<InForce[]>`
    select ends, (settings ->> 'capacity')::int as capacity,
      (settings ->> 'claimSeconds')::int as "claimSeconds",
      (settings ->> 'admissionSeconds')::int as "admissionSeconds"
    from ${settingsInForce(sql)} as version where sale = ${sale}`;

/** What capacity has been in force, by sale, as far back as admissions of today may have been given. */
export async function capacitiesInForce(
  sql: postgres.Sql,
  sale: string,
): Promise<(figures: Figures) => number | null> {
  const rows = await settingsOf(sql, sale);
  return (figures) => {
    const seconds = rows.map((row) => (row.claimSeconds ?? 0) + (row.admissionSeconds ?? 0));
    const longestMs = (Math.max(0, ...seconds) + PAYMENT_EXTENSION_SECONDS) * 1000 + CHANGE_SLACK_MS;
    const inForce = rows.filter(({ ends }) => Number(ends) > figures.now - longestMs);
    if (inForce.some(({ capacity }) => capacity === null)) return null;
    return Math.max(figures.capacity, ...inForce.map(({ capacity }) => capacity ?? 0));
  };
}

/** What is wrong between one sale's live definition and the recorded one, to be read after its name; null when nothing is. */
export function faultOfSale(
  recorded: RecordedSale | null,
  figures: Figures | null,
  oldestUnsavedAt: number | null,
  { patienceMs }: Bounds,
): string | null {
  if (!figures) return 'is recorded and not live: nobody can join it';
  if (!recorded) return 'is live and not recorded';
  const definition = SaleDefinition.parse(JSON.parse(figures.definition));
  const defined = scriptSettings(definition);
  const inEffect = ['capacity', 'admitPerMinute', 'paused', 'claimMs', 'admissionMs', 'graceMs'].map(
    (name, i) => ({ name, live: figures.live[i], defined: String(defined[defined.indexOf(name) + 1]) }),
  );
  const wrong = inEffect.find((setting) => setting.live !== setting.defined);
  if (wrong) return `is live with ${wrong.name} ${wrong.live}, defined as ${wrong.defined}`;
  if (figures.unsaved > 0) {
    const isLate = oldestUnsavedAt !== null && figures.now - oldestUnsavedAt > patienceMs;
    return isLate ? `has ${figures.unsaved} changes in effect that are not recorded yet` : null;
  }
  if (figures.version !== recorded.version)
    return `is live in version ${figures.version} and recorded in version ${recorded.version}`;
  // PostgreSQL keeps the members of an object in an order of its own.
  const same = (a: unknown, b: unknown) => isDeepStrictEqual(a ?? null, b ?? null);
  const differs = Object.entries(recorded.settings).find(
    ([name, value]) => !same(definition[name as keyof SaleDefinition], value),
  );
  return differs ? `is recorded with another ${differs[0]} than the one in effect` : null;
}

/** Holds and completed orders of one sale, against the entries of its queue. Returns how many were looked at. */
export async function judgeShoppers(
  sql: postgres.Sql,
  reader: QueueReader,
  { patienceMs }: Bounds,
  report: Report,
): Promise<number> {
  const { sale } = reader;
  // Since Redis has lost data nobody knows whose an admission was that had ended before, and one that was brought back may
  // have another token. One who was in the shop by what gateways remember, and waited by what Redis had kept, is brought
  // to that end without a token.
  // That excuses what such an admission could do, and nothing later: whoever came afterwards is known again.
  const lostAt = (await reader.lostAt()) ?? Number.NEGATIVE_INFINITY;
  const heldBy = lostAt + (await longestAdmissionMs(sql, sale)) + CLOCK_TOLERANCE_SECONDS * 1_000;
  const orderedBy = heldBy + PAYMENT_EXTENSION_SECONDS * 1_000;
  const isExcused = (record: EntryRecord | null | undefined, at: number) =>
    at <= heldBy && (!record || record.adopted === true || (record.jti === undefined && isOver(record)));
  let looked = 0;
  for await (const rows of pages((after) => admissionsPage(sql, sale, after))) {
    looked += rows.length;
    const entries = await reader.entriesOf(rows.map(({ fan }) => fan));
    for (const [i, { fan, admission, id, at }] of rows.entries()) {
      const record = entries[i]?.record;
      if (record?.jti === admission || isExcused(record, at)) continue;
      report(
        'only-admitted-fans-shop',
        id,
        `Hold ${id} of fan ${fan} was made under an admission that nobody gave (sale ${sale})`,
      );
    }
  }
  for await (const rows of pages((after) => completedPage(sql, sale, patienceMs, after))) {
    const entries = await reader.entriesOf(rows.map(({ fan }) => fan));
    for (const [i, { fan, id, at }] of rows.entries()) {
      const record = entries[i]?.record;
      const state = record?.state;
      if (state === 'finished' || (at <= orderedBy && !record)) continue;
      report(
        'who-bought-has-left-the-shop',
        id,
        `Order ${id} of fan ${fan} is complete, and the fan is ${state ?? 'not known to the queue'} (sale ${sale})`,
      );
    }
  }
  return looked;
}

/** The longest admission that the sale's settings have ever given; endless where they are not known. */
async function longestAdmissionMs(sql: postgres.Sql, sale: string): Promise<number> {
  const rows = await settingsOf(sql, sale);
  return Math.max(
    0,
    ...rows.map(({ admissionSeconds }) => (admissionSeconds ?? Number.POSITIVE_INFINITY) * 1_000),
  );
}

/** `at`: when it was made, epoch milliseconds. */
type Row = { id: string; fan: string; admission: string; at: number };

const admissionsPage = (sql: postgres.Sql, sale: string, after: string) => sql<Row[]>`
  select id, fan, admission, (extract(epoch from created_at) * 1000)::float8 as at from hold where sale = ${sale} and id > ${after} order by id limit ${ROWS_PER_PAGE}`;

const completedPage = (sql: postgres.Sql, sale: string, patienceMs: number, after: string) => sql<Row[]>`
  select ticket_order.id, fan, admission, (extract(epoch from ticket_order.created_at) * 1000)::float8 as at
  from ticket_order
  join outbox_message on outbox_message.ticket_order = ticket_order.id and kind = 'admission-finished'
  where sale = ${sale} and ticket_order.id > ${after}
    and (outbox_message.state = 'sent'
      or outbox_message.created_at < clock_timestamp() - ${patienceMs} * interval '1 millisecond')
  order by ticket_order.id limit ${ROWS_PER_PAGE}`;

const isOver = ({ state }: EntryRecord): boolean => ['finished', 'left', 'expired'].includes(state);

async function* pages(read: (after: string) => PromiseLike<Row[]>): AsyncGenerator<Row[]> {
  for (let after = ''; ; ) {
    const rows = await read(after);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_PER_PAGE) return;
    after = rows.at(-1)?.id ?? '';
  }
}
