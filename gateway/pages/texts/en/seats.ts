import type { SeatKind } from '#shared/contract/booking.ts';

/** Seats in words, on every page that names one. */
export const seats = {
  section: (section: string) => `Section ${section}`,
  seat: (section: string, row: string, number: string) => `Section ${section}, row ${row}, seat ${number}`,
  /** What a fan has to know of a seat before choosing it; nothing of a standard one. */
  kinds: {
    standard: '',
    accessible: 'wheelchair space',
    companion: 'companion seat',
  } satisfies Record<SeatKind, string>,
};
