import type { SaleChange, SaleDefinition, SaleRequest, SaleSettings } from '#shared/contract/sale.ts';
import { invalidFields } from '#shared/problem.ts';
import type { Db } from '../db/client.ts';
import type { Event } from './event.ts';
import { type Section, seatsOf } from './layout.ts';

const SALES_LISTED_MAX = 1_000;
/** A sale that closed, or whose concert was, longer ago than this is history and no longer kept in memory. */
const SALE_KEPT_DAYS = 30;

/** A sale as it is stored; `sections` are the ordinals of its allocation. */
export type StoredSale = {
  id: string;
  event: string;
  sections: number[];
  settings: SaleSettings;
  accessCodeUses: number | null;
  version: number;
  createdAt: Date;
};

/** A sale together with its event and the sections it may sell. */
export type Sale = { definition: SaleDefinition; event: Event; sections: Section[] };

/** Creates a sale at version 1; throws `invalid-field` for a section the event does not have. */
export async function createSale(
  db: Db,
  id: string,
  event: Event,
  request: SaleRequest,
  by: string,
): Promise<void> {
  const { sections: names, accessCodes = [], accessCodeUses = 1, ...given } = request;
  const unknown = names?.filter((name) => !event.sections.some((section) => section.name === name)) ?? [];
  if (unknown.length > 0) {
    throw invalidFields([{ field: 'sections', message: `the event has no section ${unknown.join(', ')}` }]);
  }
  const ordinals = event.sections
    .filter((section) => !names || names.includes(section.name))
    .map((section) => section.ordinal);
  const settings: SaleSettings = { ...given, beaconGiven: null, paused: false, closedAt: null, notice: null };
  await db.call(
    (sql) => sql`
      with made as (
        insert into sale (id, event, sections, settings, access_code_uses, created_by)
        values (
          ${id}, ${event.id}, ${ordinals}::int[], ${sql.json(settings)},
          ${accessCodes.length === 0 ? null : accessCodeUses}, ${by}
        )
        on conflict (id) do nothing
        returning id, event, settings, created_at
      ),
      recorded as (
        insert into sale_change (sale, version, at, by, action, settings)
        select id, 1, created_at, ${by}, 'makeSale', settings from made
      ),
      guarded as (
        insert into access_code (sale, code) select id, unnest(${accessCodes}::text[]) from made
      )
      insert into inventory_change (event, sale) select event, id from made`,
  );
}

/** The sales that are not history, newest first, or the named ones whatever their age. */
export function listSales(db: Db, ids: readonly string[] | null = null): Promise<readonly StoredSale[]> {
  return db.call<StoredSale>(
    (sql) => sql`
      select sale.id, event, sections, settings, access_code_uses as "accessCodeUses", version,
        sale.created_at as "createdAt"
      from sale join event on event.id = sale.event
      where case when ${ids === null}::boolean
        then least(
            (settings ->> 'closedAt')::timestamptz, (settings ->> 'closesAt')::timestamptz, event.starts_at
          ) > clock_timestamp() - ${SALE_KEPT_DAYS} * interval '1 day'
        else sale.id = any (${ids ?? []}::text[])
      end
      order by sale.created_at desc
      limit ${SALES_LISTED_MAX}`,
  );
}

/** The codes that open places in a sale's queue; none where joining needs none. */
export async function listAccessCodes(db: Db, sale: string): Promise<string[]> {
  const codes = await db.call<{ code: string }>(
    (sql) => sql`select code from access_code where sale = ${sale} order by code`,
  );
  return codes.map(({ code }) => code);
}

/**
 * Records changes that the gateway made. Resolves to the sale's version and to the version up to which what was given is
 * recorded: less than the last one where another change has such a version already. Null when there is no such sale.
 */
export async function recordSaleChanges(
  db: Db,
  sale: string,
  changes: readonly SaleChange[],
): Promise<{ version: number; recorded: number } | null> {
  const [outcome] = await db.call<{ version: number; recorded: number }>(
    (sql) => sql`select version, recorded from record_sale_changes(${sale}, ${sql.json([...changes])})`,
  );
  return outcome ?? null;
}

export function withEvent(stored: StoredSale, event: Event): Sale {
  const sections = event.sections.filter((section) => stored.sections.includes(section.ordinal));
  const definition: SaleDefinition = {
    ...stored.settings,
    sale: stored.id,
    event: stored.event,
    sections: sections.map((section) => ({
      name: section.name,
      price: { amount: section.amount, currency: event.currency },
      seats: seatsOf(section),
    })),
    accessCodeUses: stored.accessCodeUses,
    createdAt: stored.createdAt.toISOString(),
    version: stored.version,
  };
  return { definition, event, sections };
}
