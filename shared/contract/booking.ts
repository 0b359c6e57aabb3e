import { z } from 'zod';
import { type SeatKind, seatKinds, seatStates } from '../seat-codes.ts';
import { ROWS_MAX, SectionName } from './event.ts';
import { Id, Money, text } from './fields.ts';

export const SEATS_PER_HOLD_MAX = 100;

export const SeatId = z
  .string()
  .regex(/^[^-]{1,20}-[1-9]\d{0,3}-[1-9]\d{0,3}$/u, 'is not a seat id like A-1-14');

export { type SeatKind, seatKinds, seatStates };

/** `GET /api/sales/:sale/seats?status=&section=&fromRow=&limit=` */
export const SeatsQuery = z.strictObject({
  status: z.enum(seatStates).optional(),
  section: SectionName.optional(),
  fromRow: z.coerce
    .number()
    .int()
    .min(1)
    .max(ROWS_MAX)
    .optional()
    .describe('Of each section only this row and those behind it.'),
  limit: z.coerce.number().int().min(1).max(1_000).optional(),
});

export const SeatsAnswer = z.object({
  version: z.int(),
  seats: z.array(
    z.object({
      id: z.string(),
      section: z.string(),
      row: z.int(),
      number: z.int(),
      price: Money,
      status: z.enum(seatStates),
      kind: z.enum(seatKinds),
    }),
  ),
});

/**
 * The same without a query: every seat of the sale's sections, two bits each, in the order section, row, number. Which
 * of them are accessible or companion seats never changes: the event's layout says it.
 */
export const CompactSeatsAnswer = z.object({
  version: z.int(),
  event: Id,
  layoutVersion: z.int(),
  sections: z.array(z.object({ name: z.string(), rows: z.int(), seatsPerRow: z.int(), price: Money })),
  statuses: z
    .string()
    .describe('Base64; seat i in bits 2·(i mod 4) of byte ⌊i/4⌋; 0 open, 1 held, 2 sold, 3 blocked.'),
});

/** `GET /api/sales/:sale/seats?since=`: what may look different from the map of that version. */
export const SeatsSinceQuery = z.strictObject({ since: z.coerce.number().int().min(0) });

export const SeatChangesAnswer = z.object({
  version: z.int(),
  event: Id,
  layoutVersion: z.int(),
  since: z.int(),
  changes: z
    .array(z.tuple([z.int(), z.int()]))
    .describe(
      'Seats as [i, state], i and state as in `statuses`. Where so much is not known any more, the whole map comes instead.',
    ),
});

/** `POST /api/sales/:sale/holds`: these seats, or the best available. */
export const HoldRequest = z.union([
  z.strictObject({
    seats: z
      .array(SeatId)
      .min(1)
      .max(SEATS_PER_HOLD_MAX)
      .refine((seats) => new Set(seats).size === seats.length, 'must differ'),
  }),
  z.strictObject({
    best: z
      .strictObject({
        quantity: z.number().int().min(1).max(SEATS_PER_HOLD_MAX),
        section: SectionName.optional(),
        maxAmount: z.number().int().min(0).optional(),
        accessible: z
          .number()
          .int()
          .min(0)
          .max(SEATS_PER_HOLD_MAX)
          .optional()
          .describe('How many of the seats shall be accessible ones, exactly; 0 unless given.'),
      })
      .refine(({ quantity, accessible = 0 }) => accessible <= quantity, {
        path: ['accessible'],
        message: 'must not be more than quantity',
      })
      .describe(
        [
          '`quantity` adjacent open seats of one row. Of the sections (only `section`, and none dearer than `maxAmount`, where',
          'these are given) the cheapest that has such a block, among equals the first of the layout; in it the block that',
          'leaves fewest open seats alone, without an open seat beside them; then the one nearest to the front, then to the',
          'middle of the row. Without `accessible`, accessible and companion seats are never part of it and count as taken.',
          'With it, exactly so many of the seats are accessible ones and the others companion or standard seats; every open',
          'seat counts then, and after the seats left alone, before the front row, the block with most companion seats is',
          'preferred. Seats that are named (`seats`) may be of any kind: naming them is asking for them.',
        ].join(' '),
      ),
  }),
]);
export type HoldRequest = z.infer<typeof HoldRequest>;

const PricedSeat = z.object({ seat: z.string(), price: Money });

export const HoldAnswer = z.object({
  hold: Id,
  seats: z.array(PricedSeat),
  expiresAt: z.iso.datetime(),
  total: Money,
});
export type HoldAnswer = z.infer<typeof HoldAnswer>;

/** `GET /api/sales/:sale/holds`: the fan's own live holds, so that a basket survives a reload. */
export const HoldsAnswer = z.object({ holds: z.array(HoldAnswer) });

const EMAIL_LENGTH_MAX = 254;
const PAYMENT_TOKEN_LENGTH_MAX = 255;

/** `POST /api/sales/:sale/orders` */
export const OrderRequest = z.strictObject({
  hold: Id,
  buyer: z.strictObject({ name: text(200), email: z.email().max(EMAIL_LENGTH_MAX) }),
  payment: z.strictObject({
    token: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .max(PAYMENT_TOKEN_LENGTH_MAX),
  }),
});
export type OrderRequest = z.infer<typeof OrderRequest>;

const Ticket = z.object({ seat: z.string(), code: z.string() });

export const OrderCreatedAnswer = z.object({ order: Id, tickets: z.array(Ticket), total: Money });
export type OrderCreatedAnswer = z.infer<typeof OrderCreatedAnswer>;

/** The same with `Prefer: respond-async`: taken, and booked by and by. */
export const OrderTakenAnswer = z.object({ order: Id, state: z.literal('inProgress') });
export type OrderTakenAnswer = z.infer<typeof OrderTakenAnswer>;

export const orderStates = ['inProgress', 'confirmed', 'failed', 'refunded'] as const;

/** `GET /api/sales/:sale/orders/:order` */
export const OrderAnswer = z.object({
  order: Id,
  state: z.enum(orderStates),
  seats: z.array(PricedSeat),
  total: Money,
  tickets: z.array(Ticket),
  buyer: z.object({ name: z.string(), email: z.string() }),
  failure: z.string().nullable().describe('Why it failed, as a problem code.'),
  createdAt: z.iso.datetime(),
});
export type OrderAnswer = z.infer<typeof OrderAnswer>;

/** `GET /api/sales/:sale/orders`: the fan's own. */
export const OrdersAnswer = z.object({ orders: z.array(OrderAnswer) });
