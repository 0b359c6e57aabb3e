import { Hono } from 'hono';
import { answerFinished, type FinishedAnswer, finishJson } from '#shared/finished-answer.ts';
import { idPattern } from '#shared/ids.ts';
import type { Events } from './events.ts';
import { nothingHere } from './facts.ts';
import { eventsAnswer, eventWithSales, type Listing } from './listing.ts';

/**
 * Shared caches may answer for a second without asking, and for a few more while they ask again; when no gateway
 * answers, what they have is better than nothing. Errors are `no-store`: what does not exist yet may in a moment.
 */
export const LISTING_CACHE_CONTROL = 'public, max-age=1, stale-while-revalidate=4, stale-if-error=300';
const LAYOUT_CACHE_CONTROL = 'public, max-age=31536000, immutable';

const VERSION = /^[1-9]\d{0,8}$/;

/** Events as programs read them: the same bytes for everyone, made once per change. */
export function eventRoutes({ listing, events }: { listing: Listing; events: Events }) {
  const list = oncePer(async (shown: Awaited<ReturnType<Listing['events']>>) =>
    finishJson(eventsAnswer(shown), LISTING_CACHE_CONTROL),
  );
  const event = oncePer(async (shown: Awaited<ReturnType<Listing['event']>>) =>
    finishJson(eventWithSales(shown), LISTING_CACHE_CONTROL),
  );
  const layout = oncePer(async (answer: object) => finishJson(answer, LAYOUT_CACHE_CONTROL));
  const app = new Hono();

  app.get('/', async (c) =>
    answerFinished(await list(await listing.events()), c.req.header('if-none-match')),
  );

  app.get('/:event', async (c) => {
    const shown = await listing.event(requireEventId(c.req.param('event')));
    return answerFinished(await event(shown), c.req.header('if-none-match'));
  });

  app.get('/:event/layout/:version', async (c) => {
    const version = c.req.param('version');
    if (!VERSION.test(version)) throw nothingHere();
    const answer = await events.layout(requireEventId(c.req.param('event')), Number(version));
    return answerFinished(await layout(answer), c.req.header('if-none-match'));
  });

  return app;
}

/** What is made of a thing that stays the same object until it changes is made once. */
export function oncePer<Thing extends object>(
  make: (thing: Thing) => Promise<FinishedAnswer>,
): (thing: Thing) => Promise<FinishedAnswer> {
  const made = new WeakMap<Thing, Promise<FinishedAnswer>>();
  return (thing) => {
    const known = made.get(thing);
    if (known) return known;
    const making = make(thing);
    made.set(thing, making);
    making.catch(() => made.delete(thing));
    return making;
  };
}

export function requireEventId(id: string): string {
  if (!idPattern.test(id)) throw nothingHere();
  return id;
}
