import { EventAnswer, LayoutAnswer } from '#shared/contract/event.ts';
import type { Log } from '#shared/log.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import type { Store } from '../redis/script.ts';
import { nothingHere, rememberFacts } from './facts.ts';
import { oneOfMany } from './one-of-many.ts';

const EVENT_AGE_MS_MAX = 60_000;

/**
 * Events and their layouts, without asking the booking service for each question. Throw `not-found`, and `unavailable`
 * while neither this process nor Redis remembers and the booking service is away.
 */
export type Events = {
  event: (event: string) => Promise<EventAnswer>;
  /** As this process remembers it; null without asking anybody. */
  remembered: (event: string) => EventAnswer | null;
  layout: (event: string, version: number) => Promise<LayoutAnswer>;
};

/** `isOnSale` vouches for an event: a sale of it is live. */
export function rememberEvents(options: {
  store: Store;
  catalogue: BookingCatalogue;
  isOnSale: (event: string) => boolean;
  log: Log;
}): Events {
  const { store, catalogue, isOnSale, log } = options;
  const named = oneOfMany(async (ids) => {
    const events = await catalogue.eventsNamed(ids);
    return new Map(events.map((event) => [event.event, event]));
  });
  const events = rememberFacts<EventAnswer>({
    ...{ store, log, kind: 'event', schema: EventAnswer, ageMsMax: EVENT_AGE_MS_MAX },
    ask: catalogue.event,
    askUnknown: async (id) => {
      const event = await named(id);
      if (!event) throw nothingHere();
      return event;
    },
  });
  const askForLayout = (key: string) => {
    const [id = '', version] = key.split('/');
    return catalogue.layout(id, Number(version));
  };
  const layouts = rememberFacts<LayoutAnswer>({
    ...{ store, log, kind: 'layout', schema: LayoutAnswer, ageMsMax: Number.POSITIVE_INFINITY },
    ask: askForLayout,
    askUnknown: askForLayout,
  });

  const event = (id: string) => events.find(id, { exists: isOnSale(id) });
  return {
    event,
    remembered: events.remembered,
    async layout(id, version) {
      const known = layouts.remembered(`${id}/${version}`);
      if (known) return known;
      // Only the layout that the event names is asked for: any number after an id could be made up.
      if ((await event(id)).layoutVersion !== version) throw nothingHere();
      return layouts.find(`${id}/${version}`, { exists: true });
    },
  };
}
