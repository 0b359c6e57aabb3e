import { isDeepStrictEqual } from 'node:util';
import { faultsOfTimes, SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import type { Log } from '#shared/log.ts';
import { saleKey } from '../redis/keys.ts';
import { redisProblem, type Store, saleScript } from '../redis/script.ts';
import { UnsavedChange } from './live-sale.ts';
import { scriptSettings } from './settings.ts';

/** So many become durable one by one; what older ones did stays in effect with the first of these. */
const RENUMBERED_CHANGES_MAX = 500;

const renumber = saleScript<0 | 1>(new URL('./renumber-changes.lua', import.meta.url));

/**
 * Puts the changes of a sale that are not durable on top of its durable definition, which they were not made from: Redis
 * had lost its last seconds and gave the same versions again. Each keeps what it changed, under a version above both. What
 * cannot apply any more is logged as lost. Changes nothing where somebody else came between.
 */
export async function renumberChanges(store: Store, durable: SaleDefinition, log: Log): Promise<void> {
  const { sale } = durable;
  const { live, waiting } = await readLive(store, sale);
  if (waiting.length === 0) return;
  const changes = madeFrom(SaleSettings.parse(durable), waiting, Math.max(live, durable.version));
  const kept = changes.slice(-RENUMBERED_CHANGES_MAX);
  const last = changes.at(-1) as UnsavedChange;
  const definition = SaleDefinition.parse({ ...durable, ...last.settings, version: last.version });
  const givesBeacon = durable.beaconGiven ? null : kept.find(({ settings }) => settings.beaconGiven);
  const isDone = await renumber(store, sale, [
    live,
    waiting.length,
    kept.length,
    ...kept.map((change) => JSON.stringify(change)),
    definition.version,
    JSON.stringify(definition),
    givesBeacon?.version ?? '',
    ...scriptSettings(definition),
  ]);
  if (isDone === 0) return;
  log.warn({ sale, live, durable: durable.version }, 'changes of a sale were made from what Redis had lost');
  for (const [index, { version, by, action }] of changes.entries()) {
    const lost = lostOf(waiting[index] as UnsavedChange, changes[index] as UnsavedChange);
    if (lost.length > 0) log.error({ sale, version, by, action, lost }, 'a change of a sale was lost');
  }
}

async function readLive(store: Store, sale: string): Promise<{ live: number; waiting: UnsavedChange[] }> {
  try {
    const packed = await store.redis.lrange(saleKey(sale, 'unsaved'), 0, -1);
    const live = Number(await store.redis.hget(saleKey(sale, 'sale'), 'version'));
    return { live, waiting: packed.map((text) => UnsavedChange.parse(JSON.parse(text))) };
  } catch (error) {
    throw redisProblem(error);
  }
}

/** The same changes as they are when made from these settings, numbered on after `version`. */
export function madeFrom(
  durable: SaleSettings,
  changes: readonly UnsavedChange[],
  version: number,
): UnsavedChange[] {
  let before = durable;
  return changes.map((change, index) => {
    const settings = applied(change, before);
    const made = { ...change, version: version + index + 1, before, settings };
    before = settings;
    return made;
  });
}

/** What a change changed, and nothing else of it. */
function applied(change: UnsavedChange, onto: SaleSettings): SaleSettings {
  const settings = { ...onto, ...Object.fromEntries(changed(change)) };
  // What happens once has happened.
  settings.beaconGiven = onto.beaconGiven ?? settings.beaconGiven;
  settings.closedAt = onto.closedAt ?? settings.closedAt;
  if (faultsOfTimes(settings).length === 0) return settings;
  const { opensAt, lobbyOpensAt, closesAt, beacon } = onto;
  return { ...settings, opensAt, lobbyOpensAt, closesAt, beacon };
}

const changed = ({ before, settings }: UnsavedChange): [string, unknown][] =>
  Object.entries(settings).filter(
    ([name, value]) => !isDeepStrictEqual(value, before?.[name as keyof SaleSettings]),
  );

/** The settings that a change was to change, and which are others now. */
const lostOf = (change: UnsavedChange, made: UnsavedChange): string[] =>
  changed(change)
    .filter(([name, value]) => !isDeepStrictEqual(value, made.settings[name as keyof SaleSettings]))
    .map(([name]) => name);
