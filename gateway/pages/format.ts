import type { SeatKind } from '#shared/contract/booking.ts';
import type { Money } from '#shared/contract/fields.ts';

export { formatClock } from './words.ts';

const locale = 'en';
const numbers = new Intl.NumberFormat(locale);

export const formatNumber = (value: number): string => numbers.format(value);

export function formatMoney({ amount, currency }: Money): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A date with its weekday, in the venue's own time zone. */
export const formatDay = (iso: string, timeZone: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short', timeZone }).format(new Date(iso));

/** A date and a time to the second, in the venue's own time zone. */
export const formatMoment = (iso: string, timeZone: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'long', timeZone }).format(new Date(iso));

const MINUTE_SECONDS = 60;

/** A length of time in words, rounded to what a person plans with. */
export function formatDuration(seconds: number): string {
  const unit = (value: number, name: 'second' | 'minute') =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  if (seconds < 2 * MINUTE_SECONDS) return unit(Math.max(0, Math.round(seconds)), 'second');
  return unit(Math.round(seconds / MINUTE_SECONDS), 'minute');
}

/** A seat's id in words: A-1-14 is section A, row 1, seat 14. */
export function formatSeat(id: string): string {
  const [section, row, number] = id.split('-');
  return `Section ${section}, row ${row}, seat ${number}`;
}

/** What a fan has to know of a seat before choosing it; null of a standard one. */
export function kindInWords(kind: SeatKind): string | null {
  if (kind === 'accessible') return 'wheelchair space';
  return kind === 'companion' ? 'companion seat' : null;
}
