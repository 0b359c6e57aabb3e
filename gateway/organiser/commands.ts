import { setTimeout as wait } from 'node:timers/promises';
import { isoTime } from '#shared/clock.ts';
import {
  faultsOfTimes,
  type OrganiserSaleAnswer,
  type SaleChange,
  type SaleCommand,
  type SaleDefinition,
  type SalePatch,
  type SaleRequest,
  SaleSettings,
} from '#shared/contract/sale.ts';
import type { Log } from '#shared/log.ts';
import { invalidFields, Problem } from '#shared/problem.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import type { QueueWatch } from '../queue/watch.ts';
import type { Store } from '../redis/script.ts';
import { changeSale, putSale } from '../sale/live-sale.ts';
import type { SaleSync } from '../sale/sync.ts';

const COMMAND_ATTEMPTS_MAX = 5;
const SAVE_WAIT_MS_MAX = 700;

export type Shop = { store: Store; watch: QueueWatch; sync: SaleSync; log: Log };

/**
 * Makes a sale of an event: recorded first, then live. Throws what the booking service answers with, and `unavailable`.
 */
export async function makeSale(
  shop: Shop,
  catalogue: BookingCatalogue,
  event: string,
  request: SaleRequest,
  by: string,
): Promise<OrganiserSaleAnswer> {
  const definition = await catalogue.createSale(event, request, by);
  await putSale(shop.store, definition, request.accessCodes ?? []);
  return organiserSale(await shop.watch.renew(definition.sale));
}

type Who = { by: string; reason: string | null };

/**
 * Changes settings, if nobody did since `patch.version`. In effect in Redis when this returns; durable too unless
 * PostgreSQL is away, in which case it becomes so later.
 *
 * Throws `version-conflict`, `invalid-field`, `not-found`, `unavailable`.
 */
export async function patchSale(
  shop: Shop,
  sale: string,
  patch: SalePatch,
  by: string,
): Promise<OrganiserSaleAnswer> {
  const snapshot = await shop.watch.renew(sale);
  const { version, notice, ...settings } = patch;
  if (version !== snapshot.definition.version) {
    throw new Problem('version-conflict', 'The sale was changed in the meantime.', {
      extra: { version: snapshot.definition.version },
    });
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const changed = { ...SaleSettings.parse(snapshot.definition), ...given };
  if (notice !== undefined)
    changed.notice = notice === null ? null : { text: notice, at: isoTime(snapshot.asOf) };
  const faults = faultsOfTimes(changed);
  if (faults.length > 0) throw invalidFields(faults);
  return applySettings(shop, snapshot, changed, 'patch', { by, reason: null }, false);
}

/**
 * Opens, pauses, resumes or closes a sale at once. Repeating a command changes nothing; a change of somebody else in the
 * same moment does not stop it.
 *
 * Throws `sale-ended`, `not-found`, `unavailable`.
 */
export async function commandSale(
  shop: Shop,
  sale: string,
  command: SaleCommand,
  who: Who,
): Promise<OrganiserSaleAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await shop.watch.renew(sale);
    const settings = SaleSettings.parse(snapshot.definition);
    const changed = commanded(snapshot, command);
    const reopens = command === 'open' && snapshot.state === 'soldOut';
    // Counted now: what was heard before may be older than the refund that this sale is opened for, or than its last sale.
    if (reopens && (await shop.sync.countOpen(sale)) === 0) {
      throw new Problem('sale-ended', 'Every seat is sold; there is nothing to open the sale for.');
    }
    if (!reopens && JSON.stringify(changed) === JSON.stringify(settings)) return organiserSale(snapshot);
    try {
      return await applySettings(shop, snapshot, changed, command, who, reopens);
    } catch (error) {
      // Somebody else's change, or the very moment of opening, came between: judged anew.
      const outrun =
        error instanceof Problem && (error.code === 'version-conflict' || error.code === 'invalid-field');
      if (!outrun || attempt === COMMAND_ATTEMPTS_MAX) throw error;
    }
  }
}

/** The settings after a command; a pure function of what is known at this moment. */
export function commanded(snapshot: QueueSnapshot, command: SaleCommand): SaleSettings {
  const settings = SaleSettings.parse(snapshot.definition);
  const now = isoTime(snapshot.asOf);
  if (snapshot.state === 'closed') {
    if (command === 'close') return settings;
    throw new Problem('sale-ended', 'The sale is closed.');
  }
  switch (command) {
    case 'pause':
      return { ...settings, paused: true };
    case 'resume':
      return { ...settings, paused: false };
    case 'close':
      return { ...settings, closedAt: now };
    case 'open': {
      if (settings.opensAt <= now) return { ...settings, paused: false };
      const lobbyOpened = settings.lobbyOpensAt !== null && settings.lobbyOpensAt < now;
      return {
        ...settings,
        opensAt: now,
        lobbyOpensAt: lobbyOpened ? settings.lobbyOpensAt : null,
        beacon: lobbyOpened ? settings.beacon : null,
        paused: false,
      };
    }
  }
}

/** Puts settings into effect that were made from this snapshot's; durable right after. Throws what changeSale throws. */
export async function applySettings(
  shop: Shop,
  snapshot: QueueSnapshot,
  settings: SaleSettings,
  action: SaleChange['action'],
  who: Who,
  reopens: boolean,
): Promise<OrganiserSaleAnswer> {
  const version = snapshot.definition.version + 1;
  const definition: SaleDefinition = { ...snapshot.definition, ...settings, version };
  const { sale } = definition;
  await changeSale(
    shop.store,
    definition,
    {
      ...{ version, at: isoTime(snapshot.asOf), by: who.by, action, reason: who.reason, settings },
      before: SaleSettings.parse(snapshot.definition),
    },
    { reopens },
  );
  const saved = shop.sync.save(sale).catch((error: unknown) => {
    // In effect all the same; every gateway keeps trying to make it durable.
    shop.log.warn({ err: error, sale, version }, 'a change is in effect but not durable yet');
  });
  // Somebody who protects the shop is not kept waiting for a database that hangs.
  await Promise.race([saved, wait(SAVE_WAIT_MS_MAX, undefined, { ref: false })]);
  return organiserSale(await shop.watch.renew(sale));
}

/** A sale as its organiser sees it. */
export const organiserSale = (snapshot: QueueSnapshot): OrganiserSaleAnswer => ({
  ...snapshot.definition,
  state: snapshot.state,
  durable: snapshot.unsavedChanges === 0,
});
