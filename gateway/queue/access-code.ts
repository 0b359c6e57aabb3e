import { createHash } from 'node:crypto';
import { normaliseAccessCode } from '#shared/contract/sale.ts';

/**
 * Each use of a code may open this many places in all, one after another: enough for a few changes of mind, too few for
 * leaving the lobby and entering it again to be worth anything.
 */
export const ACCESS_CODE_OPENINGS_PER_USE = 5;

const DIGEST_BYTES = 16;

/**
 * What stands for a code in Redis. Codes are looked up by their SHA-256, so how long it takes says nothing about how
 * much of a guess was right, and Redis does not know the codes.
 */
export const digestOfCode = (sale: string, code: string): string =>
  createHash('sha256')
    .update(`${sale}\n${normaliseAccessCode(code)}`)
    .digest()
    .subarray(0, DIGEST_BYTES)
    .toString('base64url');
