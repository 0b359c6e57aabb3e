import type { SeatKind } from '#shared/contract/booking.ts';
import { locales } from './locale.ts';

/** For pages that speak English only. */
export const {
  number: formatNumber,
  money: formatMoney,
  day: formatDay,
  moment: formatMoment,
  clock: formatClock,
  duration: formatDuration,
} = locales.en;

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
