import type { EventAnswer, EventRequest, LayoutAnswer } from '#shared/contract/event.ts';
import type { Db } from '../db/client.ts';
import { type Section, totalSeats } from './layout.ts';
import { type MarkedPlaces, markedSeats, marksOf, placesOf } from './marks.ts';

const EVENTS_LISTED_MAX = 1_000;

/** One dated concert, as the booking service knows it. */
export type Event = {
  id: string;
  name: string;
  venue: string;
  startsAt: Date;
  timeZone: string;
  currency: string;
  layoutVersion: number;
  sections: Section[];
};

type StoredEvent = Omit<Event, 'sections'> & { sections: (Section & MarkedPlaces)[] };

/** Creates the event with all its seats in one statement; with an id that exists already it changes nothing. */
export async function createEvent(db: Db, id: string, request: EventRequest, by: string): Promise<void> {
  const sections = request.sections.map(({ price, ...section }, ordinal) => ({
    ordinal,
    name: section.name,
    rows: section.rows,
    seats_per_row: section.seatsPerRow,
    amount: price.amount,
    accessible: placesOf(section, section.accessible ?? []),
    companions: placesOf(section, section.companions ?? []),
  }));
  const currency = request.sections[0]?.price.currency ?? '';
  await db.call(
    (sql) => sql`
      select create_event(${id}, ${request.name}, ${request.venue}, ${request.startsAt}, ${request.timeZone},
        ${currency}, ${by}, ${sql.json(sections)})`,
  );
}

/** The newest events, or the named ones, at most EVENTS_LISTED_MAX. */
export async function listEvents(db: Db, ids: readonly string[] | null = null): Promise<readonly Event[]> {
  const stored = await db.call<StoredEvent>(
    (sql) => sql`
      select id, name, venue, starts_at as "startsAt", time_zone as "timeZone", currency,
        layout_version as "layoutVersion",
        (select jsonb_agg(jsonb_build_object('ordinal', ordinal, 'name', section.name, 'rows', rows,
            'seatsPerRow', seats_per_row, 'firstSeat', first_seat, 'amount', amount,
            'accessible', accessible, 'companions', companions) order by ordinal)
          from section where section.event = event.id) as sections
      from event
      where ${ids === null}::boolean or id = any (${ids ?? []}::text[])
      order by created_at desc
      limit ${EVENTS_LISTED_MAX}`,
  );
  return stored.map((event) => ({ ...event, sections: event.sections.map(withMarks) }));
}

function withMarks({ accessible, companions, ...section }: Section & MarkedPlaces): Section {
  const marks = marksOf(section, { accessible, companions });
  return marks ? { ...section, marks } : section;
}

export async function findEvent(db: Db, id: string): Promise<Event | undefined> {
  const [event] = await listEvents(db, [id]);
  return event;
}

export const eventAnswer = (event: Event): EventAnswer => ({
  event: event.id,
  name: event.name,
  venue: event.venue,
  startsAt: event.startsAt.toISOString(),
  timeZone: event.timeZone,
  sections: event.sections.map((section) => ({
    ...sizeOf(section),
    price: { amount: section.amount, currency: event.currency },
    ...markedSeats(section),
  })),
  seats: totalSeats(event.sections),
  layoutVersion: event.layoutVersion,
});

export const layoutAnswer = (event: Event): LayoutAnswer => ({
  event: event.id,
  version: event.layoutVersion,
  sections: event.sections.map((section) => ({ ...sizeOf(section), ...markedSeats(section) })),
});

const sizeOf = ({ name, rows, seatsPerRow }: Section) => ({ name, rows, seatsPerRow });
