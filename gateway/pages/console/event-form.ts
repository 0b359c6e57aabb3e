import { EventRequest, SECTIONS_MAX } from '#shared/contract/event.ts';
import { validate } from '#shared/json-body.ts';
import { wholeNumber, written } from './context.ts';
import { momentAt } from './zoned-time.ts';

const SECTIONS_AT_FIRST = 3;

export const sectionFields = ['name', 'rows', 'seatsPerRow', 'price', 'accessible', 'companions'] as const;
export type SectionField = (typeof sectionFields)[number];
export type WrittenSection = Record<SectionField, string>;

/** An event as somebody wrote it so far: all of it as text, so that nothing is lost that is not right yet. */
export type WrittenEvent = {
  name: string;
  venue: string;
  startsAt: string;
  timeZone: string;
  currency: string;
  sections: WrittenSection[];
};

const emptySection = (): WrittenSection => ({
  ...{ name: '', rows: '', seatsPerRow: '', price: '', accessible: '', companions: '' },
});

export const emptyEvent = (): WrittenEvent => ({
  ...{ name: '', venue: '', startsAt: '', timeZone: '', currency: 'EUR' },
  sections: Array.from({ length: SECTIONS_AT_FIRST }, emptySection),
});

/** `look` may add a section, or take one away (`remove-2`). */
export function readEventForm(form: URLSearchParams, look: string | null): WrittenEvent {
  const text = (field: string) => form.get(field) ?? '';
  const count = Math.min(wholeNumber(written(form, 'sections')) || 1, SECTIONS_MAX);
  const sections = Array.from(
    { length: count },
    (_, i) =>
      Object.fromEntries(
        sectionFields.map((field) => [field, text(`section-${i}-${field}`)]),
      ) as WrittenSection,
  );
  const removed = /^remove-(\d{1,3})$/.exec(look ?? '')?.[1];
  if (removed !== undefined && sections.length > 1) sections.splice(Number(removed), 1);
  if (look === 'add' && sections.length < SECTIONS_MAX) sections.push(emptySection());
  return {
    ...{ name: text('name'), venue: text('venue'), startsAt: text('startsAt') },
    ...{ timeZone: text('timeZone').trim(), currency: text('currency').trim().toUpperCase() },
    sections,
  };
}

/** The event that was written. Sections without a word are left out. Throws `invalid-field`, by the form's own places. */
export function eventRequestOf(event: WrittenEvent): EventRequest {
  const { name, venue, timeZone, currency } = event;
  const sections = event.sections.filter(isWritten).map((section) => ({
    name: section.name.trim(),
    rows: wholeNumber(section.rows.trim()),
    seatsPerRow: wholeNumber(section.seatsPerRow.trim()),
    price: { amount: minorUnits(section.price, currency), currency },
    ...(section.accessible.trim() ? { accessible: listed(section.accessible) } : {}),
    ...(section.companions.trim() ? { companions: listed(section.companions) } : {}),
  }));
  const startsAt = momentAt(event.startsAt, timeZone) ?? '';
  return validate(EventRequest, { name, venue, startsAt, timeZone, sections });
}

const isWritten = (section: WrittenSection): boolean =>
  sectionFields.some((field) => section[field].trim() !== '');

/**
 * Where in the form a fault of the request belongs: `sections.1.rows` is the second section with a word in it, and a
 * fault in a list of seats belongs to the list.
 */
export function placeOfFault(field: string, event: WrittenEvent): string {
  const [, index, name] = /^sections\.(\d+)\.(\w+)/.exec(field) ?? [];
  if (index === undefined || name === undefined) {
    return field;
  }
  if (/\.price\.currency$/.test(field)) return 'currency';
  const places = event.sections.flatMap((section, i) => (isWritten(section) ? [i] : []));
  return `section-${places[Number(index)] ?? 0}-${name}`;
}

export const listed = (text: string): string[] => text.split(/[\s,;]+/).filter((part) => part !== '');

/** A price as people write it, in the currency's minor unit; NaN for what is none. */
function minorUnits(price: string, currency: string): number {
  const [, whole, fraction = ''] = /^(\d{1,9})(?:[.,](\d{1,4}))?$/.exec(price.trim()) ?? [];
  if (whole === undefined || !/^[A-Z]{3}$/.test(currency)) return Number.NaN;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return fraction.length > decimals ? Number.NaN : Number(whole + fraction.padEnd(decimals, '0'));
}
