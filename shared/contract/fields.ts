import { z } from 'zod';
import { idPattern } from '../id-pattern.ts';

export const Id = z.string().regex(idPattern, 'is not an id');

/** Text a person wrote: trimmed, bounded, without control characters; stored as it is and escaped where it is shown. */
export const text = (lengthMax: number) =>
  z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(lengthMax, `may have at most ${lengthMax} characters`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');

const YEAR_MIN = 2000;
const YEAR_MAX = 2999;

/** A moment in ISO 8601 with its offset; normalised to UTC with milliseconds. */
export const Time = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with its offset' })
  .transform((value, context) => {
    const time = new Date(value);
    const year = time.getUTCFullYear();
    // Also refuses what is not a time, and what another offset moves out of ISO 8601's four-digit years.
    if (!(year >= YEAR_MIN && year <= YEAR_MAX)) {
      context.addIssue({ code: 'custom', message: `must be between the years ${YEAR_MIN} and ${YEAR_MAX}` });
      return z.NEVER;
    }
    return time.toISOString();
  });

/** A hundred of the dearest seats still fit the 31 bits in which a hold's amount is kept. */
const AMOUNT_MAX = 20_000_000;

/** An amount in the currency's minor unit (ISO 4217). */
export const Money = z.strictObject({
  amount: z.number().int().min(0).max(AMOUNT_MAX),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
});
export type Money = z.infer<typeof Money>;

export const IDEMPOTENCY_KEY_LENGTH_MAX = 255;
/** Visible ASCII, so that a key is one header value and one thing only. */
export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')
  .max(IDEMPOTENCY_KEY_LENGTH_MAX);
