/** A line holds so many octets, its end not counted (RFC 5545 §3.1). */
const LINE_OCTETS_MAX = 75;
/** Nobody tells when a concert ends. Without a length calendars show a moment, and call the evening free. */
const CONCERT_HOURS = 3;
/** What breaks a line for somebody, or turns the direction of what stands after it: a calendar shows plain text. */
const breaks = /\r\n?|[\n\u0085\u2028\u2029]/g;
const unseen = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;

export type CalendarEntry = {
  /** The same for the same thing: brought in again, it replaces what is there. */
  uid: string;
  /** When this was said for the first time, ISO 8601; not the moment of asking, so that the same file is made each time. */
  saidAt: string;
  startsAt: string;
  title: string;
  place: string;
  notes: string[];
  url: string;
};

/**
 * A calendar file with one concert (RFC 5545). Its times are UTC: every phone shows them in the time of where it is, which at
 * the hall is the hall's, and none has to know the rules of a time zone.
 */
export function calendarFile(entry: CalendarEntry): string {
  const end = new Date(Date.parse(entry.startsAt) + CONCERT_HOURS * 3_600_000).toISOString();
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Admit One//Tickets//EN',
    'CALSCALE:GREGORIAN',
    'BEGIN:VEVENT',
    `UID:${asText(entry.uid)}`,
    `DTSTAMP:${inUtc(entry.saidAt)}`,
    `DTSTART:${inUtc(entry.startsAt)}`,
    `DTEND:${inUtc(end)}`,
    `SUMMARY:${asText(entry.title)}`,
    `LOCATION:${asText(entry.place)}`,
    `DESCRIPTION:${asText(entry.notes.join('\n'))}`,
    `URL:${new URL(entry.url).href}`,
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

/** The day of an order's concert, by the address of the order's page. */
export const uidOfOrder = (order: string, url: string): string => `${order}@${new URL(url).hostname}`;

const inUtc = (iso: string): string => `${iso.slice(0, 19).replace(/[-:]/g, '')}Z`;

/** What people wrote stays a value (RFC 5545 §3.3.11): no line of its own begins with it. */
const asText = (text: string): string =>
  text
    .replace(/[\\;,]/g, (character) => `\\${character}`)
    .replace(breaks, '\\n')
    .replace(unseen, '');

/** Broken where a character ends; a line that goes on begins with a blank. */
function folded(line: string): string {
  const lines: string[] = [];
  let current = '';
  let octets = 0;
  for (const character of line) {
    const length = Buffer.byteLength(character);
    if (octets + length > LINE_OCTETS_MAX) {
      lines.push(current);
      [current, octets] = [' ', 1];
    }
    current += character;
    octets += length;
  }
  return [...lines, current].join('\r\n');
}
