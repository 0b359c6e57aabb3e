import { z } from 'zod';
import { Id, Money, Time, text } from './fields.ts';

export const SECTIONS_MAX = 200;
export const ROWS_MAX = 500;
export const SEATS_PER_ROW_MAX = 500;
export const SEATS_PER_EVENT_MAX = 100_000;
/** Accessible and companion seats together: two in a hundred of the largest hall. */
export const MARKED_SEATS_PER_EVENT_MAX = 2_000;

/** A section's name is the first part of its seats' ids (`A-1-14`), so it carries no hyphen. */
export const SectionName = z
  .string()
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ]{0,18}[\p{L}\p{N}])?$/u,
    'must be 1 to 20 letters, digits or inner spaces',
  );

/** A seat within its section, the end of its id: `1-14` is seat 14 of row 1. */
const SeatInSection = z.string().regex(/^[1-9]\d{0,3}-[1-9]\d{0,3}$/, 'is not a row and a number like 1-14');

/** Absent where there are none, so that what is said of other events, layouts above all, stays the same to the byte. */
const markedSeats = {
  accessible: z
    .array(SeatInSection)
    .max(MARKED_SEATS_PER_EVENT_MAX)
    .optional()
    .describe('Wheelchair spaces, as row-number: given away only to who asks for them.'),
  companions: z
    .array(SeatInSection)
    .max(MARKED_SEATS_PER_EVENT_MAX)
    .optional()
    .describe('Seats for who comes along with somebody in an accessible one, as row-number.'),
};

const Section = z
  .strictObject({
    name: SectionName,
    rows: z.number().int().min(1).max(ROWS_MAX),
    seatsPerRow: z.number().int().min(1).max(SEATS_PER_ROW_MAX),
    price: Money,
    ...markedSeats,
  })
  .superRefine(({ rows, seatsPerRow, accessible = [], companions = [] }, context) => {
    const listed = new Set<string>();
    for (const [list, seats] of Object.entries({ accessible, companions })) {
      seats.forEach((seat, i) => {
        const [row, number] = seat.split('-').map(Number) as [number, number];
        const refuse = (message: string) =>
          context.addIssue({ code: 'custom', path: [list, i], message: `${seat} ${message}` });
        if (row > rows || number > seatsPerRow) refuse('is not a seat of this section');
        else if (listed.has(seat)) refuse('is listed already');
        listed.add(seat);
      });
    }
  });

const TimeZone = z.string().refine(isTimeZone, 'must be an IANA time zone');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const EventRequest = z
  .strictObject({
    name: text(200),
    venue: text(200),
    startsAt: Time,
    timeZone: TimeZone,
    sections: z.array(Section).min(1).max(SECTIONS_MAX),
  })
  .superRefine((event, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (new Set(event.sections.map((section) => section.name)).size < event.sections.length) {
      refuse('sections', 'names must differ');
    }
    if (new Set(event.sections.map((section) => section.price.currency)).size > 1) {
      refuse('sections', 'prices must be in one currency');
    }
    const seats = event.sections.reduce((sum, section) => sum + section.rows * section.seatsPerRow, 0);
    if (seats > SEATS_PER_EVENT_MAX)
      refuse('sections', `may have at most ${SEATS_PER_EVENT_MAX} seats in all`);
    const marked = event.sections.flatMap(({ accessible = [], companions = [] }) => [
      ...accessible,
      ...companions,
    ]);
    if (marked.length > MARKED_SEATS_PER_EVENT_MAX)
      refuse(
        'sections',
        `may have at most ${MARKED_SEATS_PER_EVENT_MAX} accessible and companion seats in all`,
      );
  });
export type EventRequest = z.infer<typeof EventRequest>;

/** One dated concert at one venue. */
export const EventAnswer = z.object({
  event: Id,
  name: z.string(),
  venue: z.string(),
  startsAt: z.iso.datetime(),
  timeZone: z.string(),
  sections: z.array(
    z.object({ name: z.string(), rows: z.int(), seatsPerRow: z.int(), price: Money, ...markedSeats }),
  ),
  seats: z.int(),
  layoutVersion: z.int(),
});
export type EventAnswer = z.infer<typeof EventAnswer>;

/** The immutable arrangement of an event's seats; seat ids follow from it: section-row-number, all counted from 1. */
export const LayoutAnswer = z.object({
  event: Id,
  version: z.int(),
  sections: z.array(z.object({ name: z.string(), rows: z.int(), seatsPerRow: z.int(), ...markedSeats })),
});
export type LayoutAnswer = z.infer<typeof LayoutAnswer>;
