import type { Event } from '../catalogue/event.ts';
import { placeOfSeat } from '../catalogue/seat-id.ts';

/** When an event begins, in the time of its place. */
export function startOf(event: Event): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: event.timeZone,
  });
  return `${format.format(event.startsAt)} (${event.timeZone})`;
}

export function placeInWords(event: Event, seat: number): string {
  const { section, row, number } = placeOfSeat(event.sections, seat);
  return `Section ${section.name}, row ${row}, seat ${number}`;
}

/** An amount in minor units as people write it, with as many decimals as the currency has (ISO 4217). */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en-GB', { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => escapes[character] as string);
