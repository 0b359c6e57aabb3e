import { z } from 'zod';
import { Id, text } from './fields.ts';
import { AllHeldUntil, Beacon, drawStates, SaleState } from './sale.ts';

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
    .describe(
      'Waiting entries ahead + 1, exact as of asOf; null unless waiting, and while the queue is being restored.',
    ),
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

/**
 * `GET /api/sales/:sale/draw`. The order is ascending by HMAC-SHA256 of the id; the key is the 32 bytes of the seed, the 32
 * bytes of the digest, and the beacon's value in UTF-8, nothing where there is none.
 */
export const DrawAnswer = z.object({
  sale: Id,
  state: z
    .enum(drawStates)
    .describe(
      'Frozen: nobody enters the lobby any more, its digest follows. The order is written while drawing. Unproven: the shop has lost the draw with its data; numbers that fans had stay, the others were given by chance, and nobody can compute the order again.',
    ),
  commitment: z
    .string()
    .nullable()
    .describe('SHA-256 of the seed, in hex, published before the lobby opens.'),
  recommittedAt: z.iso
    .datetime()
    .nullable()
    .default(null)
    .describe(
      'When this commitment was published, where the one from before the lobby opened was lost with the data of the shop; else null.',
    ),
  closedAgain: z
    .boolean()
    .default(false)
    .describe(
      'The lobby had been closed before; who was in it then was lost with the data of the shop, and this is the draw of those who came back.',
    ),
  digest: z
    .string()
    .nullable()
    .describe('SHA-256 over the sorted ids joined by newlines, in hex, published at the freeze.'),
  seed: z.string().nullable().describe('In hex; published when the order is made.'),
  beaconSource: Beacon.nullable().describe('The public value that was named before the lobby opened.'),
  beacon: z
    .string()
    .nullable()
    .describe('That value, as it was published; null before it is known, and where none was used.'),
  withoutBeacon: z
    .object({ reason: z.string(), at: z.iso.datetime() })
    .nullable()
    .describe('The organiser drew without the value that was named, and why.'),
  entries: z.int().nullable().describe('How many were in the lobby when it was frozen.'),
  frozenAt: z.iso.datetime().nullable(),
  digestAt: z.iso.datetime().nullable().describe('When the digest was published.'),
  beaconAt: z.iso.datetime().nullable().describe('When the beacon’s value was given.'),
  drawnAt: z.iso.datetime().nullable(),
  ids: z
    .array(z.string())
    .nullable()
    .describe('The entries in the order of the draw; the first has queue number 1.'),
});
export type DrawAnswer = z.infer<typeof DrawAnswer>;
