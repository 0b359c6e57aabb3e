import { isoTime } from '#shared/clock.ts';
import { type SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import type { Store } from '../redis/script.ts';
import { changeSale } from './live-sale.ts';

/** Every booking service has heard of what is recorded long before. */
const HEARD_MS_MAX = 3_000;
const BY = 'gateway';
const REASON = 'It was in effect, and the database did not know it any more.';

/**
 * A PostgreSQL that went back (a standby took over without the last commits) does not know what Redis has forgotten as
 * recorded. What is in effect stays so, as one more change. It would be in nobody's books else, and the end of the sale would
 * not be seen: it depends on seats that were counted under the settings of now.
 */
export function recordAgain(store: Store, log: Log) {
  /** Sales of which more is in effect than is recorded, under which version, and since when. */
  const behind = new Map<string, { version: number; since: number }>();

  /** To be told of each look at a sale; `countedAt`: the moment of what the booking service said, of the same clock. */
  return async (
    { definition, unsavedChanges, asOf }: QueueSnapshot,
    { version, countedAt }: { version: number; countedAt: number },
    readDurable: () => Promise<SaleDefinition>,
  ): Promise<void> => {
    const { sale } = definition;
    if (unsavedChanges > 0 || version >= definition.version) {
      behind.delete(sale);
      return;
    }
    const known = behind.get(sale);
    if (known?.version !== definition.version)
      behind.set(sale, { version: definition.version, since: performance.now() });
    else if (countedAt - known.since > HEARD_MS_MAX) {
      behind.delete(sale);
      const durable = await readDurable();
      if (durable.version >= definition.version) return;
      const settings = SaleSettings.parse(definition);
      const next = definition.version + 1;
      const who = { at: isoTime(asOf), by: BY, action: 'patch', reason: REASON } as const;
      const change = { version: next, ...who, settings, before: SaleSettings.parse(durable) };
      try {
        await changeSale(store, { ...definition, version: next }, change, { reopens: false });
      } catch (error) {
        // Another gateway was faster, or an organiser, whose change carries all settings as well.
        if (error instanceof Problem && error.code === 'version-conflict') return;
        throw error;
      }
      log.error(
        { sale, live: definition.version, durable: durable.version },
        'PostgreSQL did not know the settings of a sale any more: what is in effect is recorded again',
      );
    }
  };
}
