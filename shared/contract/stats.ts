import { z } from 'zod';
import { Id } from './fields.ts';
import { AllHeldUntil, SaleState, SaleStock } from './sale.ts';

const count = z.int().min(0);

/** Why turns are given at the rate that is in force. */
export const rateReasons = ['asked', 'off', 'slow', 'errors', 'ramp'] as const;
/** What the next fan waits for. */
export const heldBackBy = ['rate', 'capacity', 'seats', 'pause', 'nobody'] as const;

/** `GET /api/organiser/sales/:sale/stats`, and each event of `/stats/stream`. */
export const StatsAnswer = z.object({
  sale: Id,
  state: SaleState,
  asOf: z.iso.datetime(),
  ageMs: count.describe(
    'How old the figures were when they were sent; it grows while the queue cannot be read.',
  ),
  version: z.int().min(1).describe('Of the settings, as a change of them has to name it.'),
  joined: count.describe('lobby + waiting + ready + admitted + all of ended, always.'),
  lobby: count.describe('Fans whose order is not decided, or not written down, yet.'),
  waiting: count,
  ready: count,
  returning: count.describe('Of those whose turn was missed: who came back and gets the next free one.'),
  admitted: count,
  ended: z.object({
    finished: count,
    left: count,
    lapsed: count,
    missed: count,
    expired: count,
    closed: count,
  }),
  capacity: z.int(),
  admitPerMinute: z.int(),
  admittedPerMinute: count.describe('Turns given in the last 60 seconds.'),
  effectivePerMinute: count.describe('Turns a minute that are given at most at this moment.'),
  rateReason: z
    .enum(rateReasons)
    .describe(
      'Why: as asked for by admitPerMinute; the same with adaptiveRate switched off; lower because the shop is slow or fails; or growing after a pause or a recovery.',
    ),
  heldBackBy: z
    .enum(heldBackBy)
    .nullable()
    .describe(
      'What the next fan waits for: `nobody` when nobody waits, null unless the sale is open or paused.',
    ),
  overbooking: count.describe(
    'How many turns may be out beyond the free room, for those that nobody claims.',
  ),
  noShowShare: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .describe('The share of turns that were missed lately; null before enough of them have ended.'),
  allHeldUntil: AllHeldUntil,
  joinedPerMinute: count.describe('Places taken in the last 60 seconds.'),
  estimate: z
    .object({ lowSeconds: z.int(), highSeconds: z.int() })
    .nullable()
    .describe('How long a fan who joins now would wait; null when there is nothing honest to say.'),
  estimateAccuracy: z
    .object({ inside: count, sooner: count, later: count })
    .describe('What became of the waits that were foretold: sampled, and judged when the turn came.'),
  seats: SaleStock.nullable().describe(
    'Null as long as the booking service has not been heard for some seconds.',
  ),
  door: z
    .object({
      requests: count,
      errors: count.describe('Those without an answer, or with a 5xx.'),
      p50Ms: count.nullable(),
      p99Ms: count.nullable(),
    })
    .describe('Holds and orders of the last 60 seconds, as the gateway that answers saw them.'),
  durable: z.boolean(),
  unsavedChanges: count.describe(
    'Changes of settings that are in effect and not recorded in PostgreSQL yet.',
  ),
  notice: z.object({ text: z.string(), at: z.iso.datetime() }).nullable(),
});
export type StatsAnswer = z.infer<typeof StatsAnswer>;
