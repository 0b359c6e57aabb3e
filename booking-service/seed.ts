import type { EventRequest } from '#shared/contract/event.ts';
import type { SaleRequest } from '#shared/contract/sale.ts';
import { createEvent, findEvent } from './catalogue/event.ts';
import { createSale } from './catalogue/sale.ts';
import type { Db } from './db/client.ts';

const DEMO_ID = 'demo';
const SEEDED_BY = 'seed';
const DAYS_AHEAD = 120;
const DAY_MS = 24 * 60 * 60_000;
const DOORS_UTC_HOUR = 19;

const SEATS_PER_ROW = 25;

const section = (name: string, amount: number) => ({
  name,
  rows: 20,
  seatsPerRow: SEATS_PER_ROW,
  price: { amount, currency: 'EUR' },
});

/** Two wheelchair spaces and their companions' seats, at the ends of the front row. */
const atFrontEnds = {
  accessible: ['1-1', `1-${SEATS_PER_ROW}`],
  companions: ['1-2', `1-${SEATS_PER_ROW - 1}`],
};

/** A concert and a sale of it that is open at once. Seeding again changes nothing. */
export async function seedDemo(db: Db, nowMs: number): Promise<void> {
  const startsAt = new Date(nowMs + DAYS_AHEAD * DAY_MS);
  startsAt.setUTCHours(DOORS_UTC_HOUR, 0, 0, 0);
  const event: EventRequest = {
    name: 'The Paper Lanterns: One Night Only',
    venue: 'Spreehalle, Berlin',
    startsAt: startsAt.toISOString(),
    timeZone: 'Europe/Berlin',
    sections: [
      { ...section('A', 9_500), ...atFrontEnds },
      section('B', 7_500),
      section('C', 5_500),
      { ...section('D', 3_900), ...atFrontEnds },
    ],
  };
  await createEvent(db, DEMO_ID, event, SEEDED_BY);
  const stored = await findEvent(db, DEMO_ID);
  if (!stored) throw new Error('The demo event was made and is not there.');
  const sale: SaleRequest = {
    name: 'General sale',
    opensAt: new Date(nowMs).toISOString(),
    lobbyOpensAt: null,
    closesAt: null,
    capacity: 50,
    admitPerMinute: 600,
    seatsPerFan: 6,
    claimSeconds: 180,
    admissionSeconds: 600,
    holdSeconds: 300,
    graceSeconds: 900,
    adaptiveRate: { enabled: true, minPerMinute: null },
    beacon: null,
  };
  await createSale(db, DEMO_ID, stored, sale, SEEDED_BY);
}
