import { changedFacts } from '#shared/changed-facts.ts';
import type { AuditAnswer, AuditEntry, AuditPage, PageQuery } from '#shared/contract/organiser.ts';
import { Problem } from '#shared/problem.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import { UNSAVED_CHANGES_BATCH, type UnsavedChange, unsavedChanges } from '../sale/live-sale.ts';
import type { Shop } from './commands.ts';

/**
 * What was done to a sale, the newest first: a page of what PostgreSQL has recorded and, on the first page, what is in
 * effect in Redis and not recorded yet. While one of the two is away the other's part is told, and that it is a part.
 *
 * Throws `not-found`, and `unavailable` when neither can be read.
 */
export async function readAudit(
  shop: Shop,
  catalogue: BookingCatalogue,
  sale: string,
  query: PageQuery,
): Promise<AuditAnswer> {
  if (query.after !== undefined) {
    const { entries, next } = await catalogue.audit(sale, query);
    return { entries, next, complete: true };
  }

  const missing = (what: string) => (error: unknown) => {
    if (!(error instanceof Problem) || error.code !== 'unavailable') throw error;
    shop.log.warn({ err: error, sale }, `the audit is told without ${what}`);
    return null;
  };
  // In this order: a change that becomes durable in between is found in both and told once, never missed.
  const unsaved = await unsavedChanges(shop.store, sale).catch(missing('what is not durable yet'));
  const recorded = await catalogue.audit(sale, query).catch(missing('what is recorded'));
  if (!recorded && (!unsaved || !shop.watch.remembered(sale))) {
    throw new Problem('unavailable', 'The audit cannot be read for a moment. Please try again.');
  }
  const waiting = (unsaved ?? []).filter((change) => !isRecorded(change, recorded)).map(unsavedEntry);
  return {
    entries: [...waiting, ...(recorded?.entries ?? [])].sort(newestFirst),
    next: recorded?.next ?? null,
    complete: recorded !== null && unsaved !== null && unsaved.length < UNSAVED_CHANGES_BATCH,
  };
}

const idOf = ({ version }: UnsavedChange): string => `version-${version}`;

const isRecorded = (change: UnsavedChange, recorded: AuditPage | null): boolean =>
  recorded !== null &&
  (change.version <= recorded.version || recorded.entries.some(({ id }) => id === idOf(change)));

const unsavedEntry = (change: UnsavedChange): AuditEntry => ({
  id: idOf(change),
  at: change.at,
  by: change.by,
  action: change.action,
  ...changedFacts(change.before, change.settings),
  reason: change.reason,
  version: change.version,
  seats: null,
  order: null,
  message: null,
  durable: false,
});

/** Changes of one moment in the order of their versions. */
const newestFirst = (a: AuditEntry, b: AuditEntry): number =>
  Date.parse(b.at) - Date.parse(a.at) || (b.version ?? 0) - (a.version ?? 0);
