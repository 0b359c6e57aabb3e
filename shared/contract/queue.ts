import { z } from 'zod';
import { Id, text } from './fields.ts';
import { AllHeldUntil, SaleState } from './sale.ts';

export const entryStates = [
  'lobby',
  'waiting',
  'ready',
  'admitted',
  'finished',
  'left',
  'lapsed',
  'missed',
  'expired',
  'closed',
] as const;
export type EntryState = (typeof entryStates)[number];

/** `POST /api/sales/:sale/queue` */
export const JoinRequest = z.strictObject({
  accessCode: text(200).optional().describe('Without effect where a sale asks for none.'),
});

/** `GET /api/sales/:sale/queue/me`; fields that do not apply are null. */
export const StatusAnswer = z.object({
  sale: Id,
  saleState: SaleState,
  state: z.enum(entryStates),
  queueNumber: z.int().min(1).nullable(),
  position: z
    .int()
    .min(1)
    .nullable()
    .describe('Waiting entries ahead + 1, exact as of asOf; null unless waiting.'),
  ahead: z.int().min(0).nullable(),
  waiting: z.int().min(0).nullable(),
  admittedPerMinute: z.int().min(0).describe('Turns given in the last 60 seconds.'),
  estimate: z.object({ lowSeconds: z.int(), highSeconds: z.int() }).nullable(),
  claimBy: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  allHeldUntil: AllHeldUntil,
  returning: z.boolean().describe('A missed turn whose owner came back in time and gets the next free one.'),
  notice: z.object({ text: z.string(), at: z.iso.datetime() }).nullable(),
  asOf: z.iso.datetime(),
  version: z
    .int()
    .describe('Send it with the next poll as ?version=; no process then answers with anything older.'),
  pollAfterMs: z.int().min(0),
  queueTicket: z.string().optional().describe('A renewed queue ticket; replaces the old one.'),
});
export type StatusAnswer = z.infer<typeof StatusAnswer>;

export const JoinAnswer = z.object({ ...StatusAnswer.shape, queueTicket: z.string() });

/** `POST /api/sales/:sale/queue/me/claim` */
export const ClaimAnswer = z.object({
  state: z.literal('admitted'),
  admissionToken: z.string(),
  expiresAt: z.iso.datetime(),
});
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

/** `GET /api/sales/:sale/draw` */
export const DrawAnswer = z.object({
  sale: Id,
  state: z.enum(['none', 'committed', 'drawing', 'drawn']),
  commitment: z
    .string()
    .nullable()
    .describe('SHA-256 of the seed, in hex, published before the lobby opens.'),
  digest: z
    .string()
    .nullable()
    .describe('SHA-256 over the sorted ids joined by newlines, in hex, published at the freeze.'),
  seed: z.string().nullable().describe('In hex; published when the order is made.'),
  beacon: z.string().nullable(),
  ids: z
    .array(z.string())
    .nullable()
    .describe('The entries in the order of the draw; the first has queue number 1.'),
});
export type DrawAnswer = z.infer<typeof DrawAnswer>;
