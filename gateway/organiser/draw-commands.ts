import { Hono } from 'hono';
import { isoTime } from '#shared/clock.ts';
import {
  BeaconRequest,
  type OrganiserSaleAnswer,
  SaleSettings,
  WithoutBeaconRequest,
} from '#shared/contract/sale.ts';

import { readJson } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { fetchBeacon } from '../lobby/beacon.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { answer, type OrganiserEnv, requireId } from './answer.ts';
import { applySettings, organiserSale, type Shop } from './commands.ts';

const COMMAND_ATTEMPTS_MAX = 5;
/** A source that does not have the value yet is asked again after this time. */
const ASKED_EVERY_MS = 5_000;
/** In whose name the value is given that the gateway has fetched itself. */
const GATEWAY = 'gateway';

type Given = { value: string } | { without: string };
type Who = { by: string; reason: string | null };

/** What organisers do about a draw that waits for its beacon. */
export function drawCommandRoutes(shop: Shop) {
  const app = new Hono<OrganiserEnv>();

  app.post('/sales/:sale/draw/beacon', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const { value, reason = null } = await readJson(c, BeaconRequest);
    return answer(c, await giveBeacon(shop, sale, { value }, { by: c.get('organiser'), reason }));
  });

  app.post('/sales/:sale/draw/without-beacon', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const { reason } = await readJson(c, WithoutBeaconRequest);
    return answer(c, await giveBeacon(shop, sale, { without: reason }, { by: c.get('organiser'), reason }));
  });

  return app;
}

/**
 * Gives a draw the beacon's value, or says that it is made without; it goes on at once. Like every change of a sale it
 * acts in Redis first, has a version and is audited. The same again changes nothing.
 *
 * Throws `beacon-not-due`, `beacon-too-late`, `beacon-given`, `not-found`, `unavailable`.
 */
export async function giveBeacon(
  shop: Shop,
  sale: string,
  given: Given,
  who: Who,
): Promise<OrganiserSaleAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await shop.watch.renew(sale);
    const { beacon, beaconGiven } = snapshot.definition;
    if (!beacon) throw new Problem('beacon-not-due', 'No beacon was named for the draw of this sale.');
    if (beaconGiven) {
      if (isSame(beaconGiven, given)) return organiserSale(snapshot);
      throw new Problem('beacon-given', 'The draw has gone on already; nothing can change it any more.');
    }
    const settings = {
      ...SaleSettings.parse(snapshot.definition),
      beaconGiven: { ...given, at: isoTime(snapshot.asOf) },
    };
    const action = 'value' in given ? 'giveBeacon' : 'drawWithoutBeacon';
    try {
      return await applySettings(shop, snapshot, settings, action, who, false);
    } catch (error) {
      // Somebody else's change came between: judged anew.
      const outrun = error instanceof Problem && error.code === 'version-conflict';
      if (!outrun || attempt === COMMAND_ATTEMPTS_MAX) throw error;
    }
  }
}

const isSame = (known: Given, given: Given): boolean =>
  'value' in known
    ? 'value' in given && known.value === given.value
    : 'without' in given && known.without === given.without;

/**
 * Fetches the beacon of a draw that waits for it, where its source was named and its moment has come. To be called again
 * and again; any gateway does it, and the first value that arrives is the one.
 */
export function beaconAsker(shop: Shop, fetchValue = fetchBeacon, clock = () => performance.now()) {
  const askedAt = new Map<string, number>();
  return async (sale: string, { definition, asOf }: QueueSnapshot): Promise<void> => {
    const { beacon } = definition;
    if (!beacon?.url || asOf < Date.parse(beacon.from)) return;
    if (clock() - (askedAt.get(sale) ?? Number.NEGATIVE_INFINITY) < ASKED_EVERY_MS) return;
    askedAt.set(sale, clock());
    try {
      const value = await fetchValue(beacon);
      await giveBeacon(shop, sale, { value }, { by: GATEWAY, reason: null });
      askedAt.delete(sale);
    } catch (error) {
      // Another gateway was faster; or there is nothing yet, and the draw goes on waiting.
      if (error instanceof Problem && error.code === 'beacon-given') return;
      if (error instanceof Problem && error.code === 'beacon-too-late') {
        // That stays so: the organiser has to say something.
        askedAt.set(sale, Number.POSITIVE_INFINITY);
        shop.log.error({ err: error, sale }, 'a draw waits for its organiser to draw without its beacon');
        return;
      }
      shop.log.warn({ err: error, sale, url: beacon.url }, 'the beacon of a draw could not be fetched');
    }
  };
}
