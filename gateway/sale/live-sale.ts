import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SaleChange, SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import { invalidFields, Problem } from '#shared/problem.ts';
import { digestOfCode } from '../queue/access-code.ts';
import { LONGEST_POLL_MS } from '../queue/pace.ts';
import { saleKey, salesKey } from '../redis/keys.ts';
import { redisProblem, type Store, saleScript } from '../redis/script.ts';
import { scriptSettings } from './settings.ts';

const SEED_BYTES = 32;
export const UNSAVED_CHANGES_BATCH = 100;

/** A change as it waits to become durable: with the settings before it, which PostgreSQL knows from the version before. */
export const UnsavedChange = z.object({ ...SaleChange.shape, before: SaleSettings.nullable().default(null) });
export type UnsavedChange = z.infer<typeof UnsavedChange>;

const put = saleScript<number>(new URL('./put-sale.lua', import.meta.url));
const change = saleScript<[outcome: string, detail?: string | number]>(
  new URL('./change-sale.lua', import.meta.url),
);
const saved = saleScript<number>(new URL('./mark-saved.lua', import.meta.url));
const soldOut = saleScript<number>(new URL('./mark-sold-out.lua', import.meta.url));

/** The draw's secret and its commitment; kept only by the first call that finds a lobby ahead. */
function newSeed(): [seed: string, commitment: string] {
  const seed = randomBytes(SEED_BYTES);
  return [seed.toString('hex'), createHash('sha256').update(seed).digest('hex')];
}

/** A sale that is put into Redis so long after it was made was there before. */
const NEW_SALE_MS_MAX = 60_000;

const isOld = ({ time }: Store, { createdAt }: SaleDefinition): boolean =>
  (time() ?? Date.now()) - Date.parse(createdAt) > NEW_SALE_MS_MAX;

/**
 * Makes a durable definition live together with its access codes, unless a newer one already is; returns the live
 * version. The codes stay out of the definition, which every gateway reads again and again. `wasLive`: the caller has met
 * this sale before; where Redis does not know it then, or one that is not new, it has lost it, and a recovery begins.
 */
export async function putSale(
  store: Store,
  durable: SaleDefinition,
  accessCodes: readonly string[] = [],
  { wasLive = false } = {},
): Promise<number> {
  // One that was recorded before a setting existed gets that setting's default here.
  const definition = SaleDefinition.parse(durable);
  const version = await put(store, definition.sale, [
    definition.version,
    JSON.stringify(definition),
    ...newSeed(),
    accessCodes.map((code) => digestOfCode(definition.sale, code)).join(' '),
    wasLive || isOld(store, definition) ? 1 : 0,
    LONGEST_POLL_MS,
    ...scriptSettings(definition),
  ]);
  try {
    await store.redis.sadd(salesKey, definition.sale);
  } catch (error) {
    throw redisProblem(error);
  }
  return version;
}

/**
 * Puts changed settings into effect at once; they become durable when the booking service has recorded the change.
 * Throws `version-conflict` when somebody else's change came between, `invalid-field` for a time that has passed its point
 * of no return, `beacon-not-due` for a beacon that comes too early, `beacon-too-late` for one that could be
 * known before the lobby's digest was published, `sale-ended` for a change that would reopen a closed sale.
 */
export async function changeSale(
  store: Store,
  definition: SaleDefinition,
  record: UnsavedChange,
  options: { reopens: boolean },
): Promise<void> {
  // What is live is read back by every gateway, so nothing that cannot be read may get there.
  SaleDefinition.parse(definition);
  const [outcome, detail] = await change(store, definition.sale, [
    record.version - 1,
    JSON.stringify(definition),
    JSON.stringify(record),
    options.reopens ? 1 : 0,
    ...newSeed(),
    ...scriptSettings(definition),
  ]);
  if (outcome === 'no-sale') throw new Problem('not-found', 'There is no such sale.');
  if (outcome === 'version-conflict') {
    throw new Problem('version-conflict', 'The sale was changed in the meantime.', {
      extra: { version: detail },
    });
  }
  if (outcome === 'sale-ended') throw new Problem('sale-ended', 'The sale is closed for good.');
  if (outcome === 'too-early') {
    throw new Problem(
      'beacon-not-due',
      'The draw takes the beacon once the lobby is frozen, its digest published and the beacon’s moment has come.',
    );
  }
  if (outcome === 'beacon-too-late') {
    throw new Problem(
      'beacon-too-late',
      'The lobby’s digest was published when this value could be known already, so it would prove nothing. Draw without it, with a reason.',
    );
  }
  if (outcome === 'too-late') {
    throw invalidFields([{ field: String(detail), message: 'cannot change any more: it has begun' }]);
  }
}

/** The oldest changes that are in effect but not durable yet. */
export async function unsavedChanges(store: Store, sale: string): Promise<UnsavedChange[]> {
  try {
    const packed = await store.redis.lrange(saleKey(sale, 'unsaved'), 0, UNSAVED_CHANGES_BATCH - 1);
    return packed.map((text) => UnsavedChange.parse(JSON.parse(text)));
  } catch (error) {
    throw redisProblem(error);
  }
}

/** Forgets these very changes, which are recorded; returns how many still wait. */
export const markSaved = (store: Store, sale: string, changes: readonly UnsavedChange[]): Promise<number> =>
  saved(
    store,
    sale,
    changes.map(({ version, at, action, by }) => `${version} ${at} ${action} ${by}`),
  );

/** Every seat is sold; `version` is the sale's version when they were counted. */
export const markSoldOut = (store: Store, sale: string, version: number): Promise<number> =>
  soldOut(store, sale, [version]);
