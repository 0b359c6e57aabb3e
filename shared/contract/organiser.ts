import { z } from 'zod';
import { orderStates, SeatId } from './booking.ts';
import { Id, Money, text } from './fields.ts';
import { beaconCommands, saleCommands } from './sale.ts';

/** Answers in pages: at most this many entries each. */
export const PAGE_ENTRIES_MAX = 500;
const PAGE_ENTRIES = 100;

const Reason = text(500);

/** A place in a list from the newest to the oldest: microseconds since 1970, and the id among those of one moment. */
const Cursor = z.string().regex(/^\d{1,16}\.[A-Za-z0-9_-]{1,40}$/, 'is not `next` of a page');
const paging = {
  limit: z.coerce.number().int().min(1).max(PAGE_ENTRIES_MAX).default(PAGE_ENTRIES),
  after: Cursor.optional().describe('`next` of the page before.'),
};
const next = Cursor.nullable().describe('What to ask the next page `after`; null on the last one.');

/** `?limit=&after=` */
export const PageQuery = z.strictObject(paging);
export type PageQuery = z.infer<typeof PageQuery>;

/** Fewer letters begin half of all addresses. */
export const FIND_LENGTH_MIN = 3;
/** The longest e-mail address. */
export const FIND_LENGTH_MAX = 254;

/** `GET /api/organiser/sales/:sale/orders?limit=&after=&state=&find=` */
export const OrderListQuery = z.strictObject({
  ...paging,
  state: z.enum(orderStates).optional(),
  find: text(FIND_LENGTH_MAX)
    .min(FIND_LENGTH_MIN, `must have at least ${FIND_LENGTH_MIN} characters`)
    .optional()
    .describe(
      'An order’s number, a seat’s id (of refunded orders too), or the beginning of an e-mail address.',
    ),
});
export type OrderListQuery = z.infer<typeof OrderListQuery>;

/**
 * An order as its organiser sees it. Without the codes of its tickets: who has a code gets in, so they travel to the
 * buyer and nobody else.
 */
export const OrganiserOrder = z.object({
  order: Id,
  sale: Id,
  state: z.enum(orderStates),
  failure: z.string().nullable().describe('Why it failed, as a problem code.'),
  buyer: z.object({ name: z.string(), email: z.string() }),
  seats: z.array(z.object({ seat: z.string(), price: Money })),
  total: Money,
  createdAt: z.iso.datetime(),
});
export type OrganiserOrder = z.infer<typeof OrganiserOrder>;

/** The newest first. */
export const OrderListAnswer = z.object({ orders: z.array(OrganiserOrder), next });
export type OrderListAnswer = z.infer<typeof OrderListAnswer>;

export const SEATS_PER_BLOCK_MAX = 1_000;
/** SEATS_PER_BLOCK_MAX of the longest seat ids in the longest encoding. */
export const BLOCK_BYTES_MAX = 256 * 1024;

/** What is blocked or unblocked, and why. */
const block = {
  seats: z
    .array(SeatId)
    .min(1)
    .max(SEATS_PER_BLOCK_MAX)
    .refine((seats) => new Set(seats).size === seats.length, 'must differ'),
  reason: Reason,
};
export const SeatsBlock = z.strictObject(block);

/** `POST /api/organiser/seats/{block,unblock}` */
export const BlockRequest = z.strictObject({ event: Id, ...block });
export type BlockRequest = z.infer<typeof BlockRequest>;
export const blockCommands = ['block', 'unblock'] as const;
export type BlockCommand = (typeof blockCommands)[number];

export const BlockAnswer = z.object({
  event: Id,
  seats: z.array(z.string()).describe('The seats of which this was asked.'),
  changed: z.array(z.string()).describe('Those of them that were not so before.'),
});
export type BlockAnswer = z.infer<typeof BlockAnswer>;

/** `POST /api/organiser/orders/:order/refund` */
export const RefundRequest = z.strictObject({ reason: Reason });

/** `POST /api/organiser/mail/:message/resend` */
export const ResendRequest = z.strictObject({ reason: Reason.optional() });

/** A message that could not be delivered in all its attempts. */
export const DeadLetter = z.object({
  message: Id,
  kind: z.string(),
  order: Id,
  sale: Id,
  recipient: z
    .string()
    .nullable()
    .describe('Null for a message that goes to the gateway or the payment provider.'),
  attempts: z.int(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** `GET /api/organiser/mail/dead`: the newest first. */
export const DeadLettersAnswer = z.object({ messages: z.array(DeadLetter), next });
export type DeadLettersAnswer = z.infer<typeof DeadLettersAnswer>;

export const ResendAnswer = z.object({
  message: Id,
  state: z.enum(['due', 'sent']).describe('`sent` when it has been delivered by now.'),
});
export type ResendAnswer = z.infer<typeof ResendAnswer>;

const Facts = z.record(z.string(), z.unknown());

/** Who did what, when and why, and the facts it changed. */
export const AuditEntry = z.object({
  id: Id,
  at: z.iso.datetime(),
  by: z
    .string()
    .describe(
      'The name of the organiser’s key; `gateway` for a beacon that it fetched and for settings that it records again, `seed` for the demo concert.',
    ),
  action: z.enum([
    'makeEvent',
    'makeSale',
    ...saleCommands,
    'patch',
    ...beaconCommands,
    ...blockCommands,
    'refund',
    'resend',
  ]),
  from: Facts.nullable().describe(
    'The changed facts before; null where there was nothing, or nothing is known.',
  ),
  to: Facts,
  reason: z.string().nullable(),
  version: z.int().nullable().describe('The sale’s version from then on, for a change of its settings.'),
  seats: z.array(z.string()).nullable(),
  order: Id.nullable(),
  message: Id.nullable(),
  durable: z.boolean().describe('False while it is in effect and PostgreSQL has not recorded it yet.'),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** `GET /api/organiser/sales/:sale/audit?limit=&after=`: the newest first. */
export const AuditAnswer = z.object({
  entries: z.array(AuditEntry),
  next,
  complete: z.boolean().describe('False while PostgreSQL or Redis is away and what it has is missing here.'),
});
export type AuditAnswer = z.infer<typeof AuditAnswer>;

/** The part of it that is recorded, as the booking service tells it. */
export const AuditPage = z.object({
  ...AuditAnswer.omit({ complete: true }).shape,
  version: z.int().describe('The sale’s recorded version.'),
});
export type AuditPage = z.infer<typeof AuditPage>;
