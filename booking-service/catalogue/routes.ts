import { Hono } from 'hono';
import { z } from 'zod';
import { EventRequest } from '#shared/contract/event.ts';
import { SaleChange, SaleRequest } from '#shared/contract/sale.ts';
import { idPattern, newId } from '#shared/ids.ts';
import { readJson } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { organiserOf } from '../caller/organiser.ts';
import { noSuch, pathId } from '../caller/path-id.ts';
import type { Db } from '../db/client.ts';
import { createEvent, type Event, eventAnswer, findEvent, layoutAnswer, listEvents } from './event.ts';
import { createSale, listAccessCodes, listSales, recordSaleChanges, withEvent } from './sale.ts';

const CHANGES_PER_CALL_MAX = 100;
/** CHANGES_PER_CALL_MAX changes with the longest texts in the longest encoding. */
const CHANGES_BYTES_MAX = 1024 * 1024;
/** As many ids as fit into a request target. */
const EVENTS_NAMED_MAX = 100;
const ChangesRequest = z.strictObject({ changes: z.array(SaleChange).max(CHANGES_PER_CALL_MAX) });

type Dependencies = {
  db: Db;
  /** An event that is in memory because it is on sale; events never change, so it is as good as the stored one. */
  remembered: (id: string) => Event | undefined;
  /** Called after a change, so that what was just made is served at once. */
  refresh: () => Promise<void>;
};

/** Definitions as the gateway writes and reads them; durable here, live there. */
export function catalogueRoutes({ db, remembered, refresh }: Dependencies): Hono {
  const requireEvent = async (id: string): Promise<Event> => {
    const event = remembered(id) ?? (await findEvent(db, id));
    if (!event) throw noSuch('event');
    return event;
  };
  const eventsNamed = async (ids: readonly string[]): Promise<Event[]> => {
    if (ids.length > EVENTS_NAMED_MAX || !ids.every((id) => idPattern.test(id))) throw noSuch('event');
    const inMemory = ids.map(remembered).filter((event) => event !== undefined);
    const others = ids.filter((id) => remembered(id) === undefined);
    return others.length === 0 ? inMemory : [...inMemory, ...(await listEvents(db, others))];
  };
  const definitionsOf = async (ids: readonly string[] | null) => {
    const stored = await listSales(db, ids);
    const events = await listEvents(db, [...new Set(stored.map((sale) => sale.event))]);
    const byId = new Map(events.map((event) => [event.id, event]));
    return stored.map((sale) => withEvent(sale, byId.get(sale.event) as Event).definition);
  };

  return new Hono()
    .post('/events', async (c) => {
      const request = await readJson(c, EventRequest);
      const id = newId();
      await createEvent(db, id, request, organiserOf(c));
      return c.json(eventAnswer(await requireEvent(id)), 201);
    })
    .get('/events', async (c) => {
      const named = c.req.query('ids');
      const events = await (named === undefined ? listEvents(db) : eventsNamed(named.split(',')));
      return c.json({ events: events.map(eventAnswer) });
    })
    .get('/events/:event', async (c) => c.json(eventAnswer(await requireEvent(pathId(c, 'event')))))
    .get('/events/:event/layout/:version', async (c) => {
      const event = await requireEvent(pathId(c, 'event'));
      if (c.req.param('version') !== String(event.layoutVersion)) throw noSuch('layout');
      return c.json(layoutAnswer(event));
    })
    .post('/events/:event/sales', async (c) => {
      const request = await readJson(c, SaleRequest);
      const event = await requireEvent(pathId(c, 'event'));
      const id = newId();
      await createSale(db, id, event, request, organiserOf(c));
      await refresh();
      const [definition] = await definitionsOf([id]);
      return c.json(definition, 201);
    })
    .get('/sales', async (c) => c.json({ sales: await definitionsOf(null) }))
    .get('/sales/:sale', async (c) => {
      const [definition] = await definitionsOf([pathId(c, 'sale')]);
      if (!definition) throw noSuch('sale');
      return c.json(definition);
    })
    .get('/sales/:sale/access-codes', async (c) =>
      c.json({ accessCodes: await listAccessCodes(db, pathId(c, 'sale')) }),
    )
    .post('/sales/:sale/changes', async (c) => {
      const { changes } = await readJson(c, ChangesRequest, CHANGES_BYTES_MAX);
      const outcome = await recordSaleChanges(db, pathId(c, 'sale'), changes);
      if (!outcome) throw noSuch('sale');
      await refresh();
      const { version, recorded } = outcome;
      if (changes.some((change) => change.version > recorded)) {
        throw new Problem('version-conflict', 'Another change of the sale has that version.', {
          extra: { version, recorded },
        });
      }
      return c.json({ version });
    });
}
