import { hash } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { idPattern } from './ids.ts';
import { CLOCK_TOLERANCE_SECONDS } from './internal.ts';
import { Problem } from './problem.ts';
import { createRecent } from './recent.ts';

/**
 * The admission token: a JWT (RFC 7519) made by the gateway with EdDSA, read by the gateway's door and by the booking
 * service. RFC 8725: one algorithm, an explicit type, one issuer, one audience, every claim required.
 */
export const admissionTokenType = 'admission+jwt';
export const admissionTokenIssuer = 'admit-one/gateway';
export const admissionTokenAudience = 'admit-one/booking';
export const admissionTokenAlgorithm = 'EdDSA';

export const ADMISSION_TOKEN_LENGTH_MAX = 1_024;
const VERIFIED_TOKENS_KEPT = 20_000;
/** Then it is verified once more: fans who are gone take no room. */
const VERIFIED_MS = 5 * 60_000;
/**
 * `iat` is Redis' time and says only that a token is not from nowhere, so it may lie ahead by as much as clocks may differ
 * and by the second it is rounded to; `exp` has the verifier's own tolerance.
 */
const IAT_LEAD_SECONDS_MAX = CLOCK_TOLERANCE_SECONDS + 1;
const LATEST_NUMERIC_DATE_SECONDS = 253_402_300_799; // 9999-12-31, where ISO 8601 needs a fifth digit

const QUEUE_NUMBER_MAX = 2 ** 32 - 1;

const seconds = z.number().int().positive().max(LATEST_NUMERIC_DATE_SECONDS);

export const AdmissionClaims = z.strictObject({
  iss: z.literal(admissionTokenIssuer),
  aud: z.literal(admissionTokenAudience),
  /** The queue entry's id. */
  sub: z.string().regex(idPattern),
  /** The entry's queue number: should Redis lose its data, the token alone proves which place it came from. */
  number: z.number().int().positive().max(QUEUE_NUMBER_MAX).optional(),
  /** Names the admission; whatever is remembered of a token is remembered under it, for one signature has several spellings. */
  jti: z.string().regex(idPattern),
  sale: z.string().regex(idPattern),
  iat: seconds,
  /** When the token is worthless everywhere: the admission's end plus the longest extension for a payment. */
  exp: seconds,
  /** When the admission ends, in seconds like `exp`: no new hold from then on. */
  ends: seconds,
});

export type AdmissionClaims = z.infer<typeof AdmissionClaims>;

const AdmissionHeader = z.strictObject({
  alg: z.literal(admissionTokenAlgorithm),
  typ: z.literal(admissionTokenType),
  kid: z.string().regex(idPattern),
});

export type AdmissionTokenVerifier = {
  (token: string): Promise<AdmissionClaims>;
  /** At once: what a token says that has been verified before and is valid now; null for any other. */
  known: (token: string) => AdmissionClaims | null;
};

/**
 * Builds a verifier that remembers what it has already verified (by the digest of the whole token) and judges the times
 * anew at each call.
 *
 * Throws `token-invalid` for whatever is not a token of ours, and `unavailable` when the keys cannot be had.
 */
export function createAdmissionTokenVerifier(options: {
  keys: JWTVerifyGetKey;
  clock: Clock;
  toleranceSeconds: number;
}): AdmissionTokenVerifier {
  const { keys, clock, toleranceSeconds } = options;
  const verified = createRecent<AdmissionClaims>({ keysKept: VERIFIED_TOKENS_KEPT, keptMs: VERIFIED_MS });
  const digestOf = (token: string) => hash('sha256', token, 'base64');
  const whyNotNow = ({ exp, iat }: AdmissionClaims): string | null => {
    const nowSeconds = clock() / 1000;
    if (exp + toleranceSeconds <= nowSeconds) return 'expired';
    return iat - IAT_LEAD_SECONDS_MAX > nowSeconds ? 'not valid yet' : null;
  };

  const verify = async (token: string): Promise<AdmissionClaims> => {
    if (token.length > ADMISSION_TOKEN_LENGTH_MAX) throw invalid('too long');
    const digest = digestOf(token);
    let claims = verified.get(digest);
    if (!claims) {
      claims = await verifySignature(token, keys);
      verified.set(digest, claims, performance.now());
    }
    const why = whyNotNow(claims);
    if (why !== null) throw invalid(why);
    return claims;
  };
  const known = (token: string): AdmissionClaims | null => {
    if (token.length > ADMISSION_TOKEN_LENGTH_MAX) return null;
    const claims = verified.get(digestOf(token));
    return claims && whyNotNow(claims) === null ? claims : null;
  };
  return Object.assign(verify, { known });
}

async function verifySignature(token: string, keys: JWTVerifyGetKey): Promise<AdmissionClaims> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, unavailableWithoutKeys(keys), {
      algorithms: [admissionTokenAlgorithm],
      typ: admissionTokenType,
      issuer: admissionTokenIssuer,
      audience: admissionTokenAudience,
      // Times are judged by the caller at every call; here only the signature and the shape count.
      currentDate: new Date(0),
      clockTolerance: LATEST_NUMERIC_DATE_SECONDS,
    });
    // jose accepts a missing `kid`, an array as `aud` and further header members: the strict schemas do not.
    AdmissionHeader.parse(protectedHeader);
    return AdmissionClaims.parse(payload);
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof z.ZodError) throw invalid('not ours', error);
    throw error;
  }
}

/** A key that does not exist is the token's fault; keys that cannot be fetched are ours. */
const unavailableWithoutKeys =
  (keys: JWTVerifyGetKey): JWTVerifyGetKey =>
  async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JOSENotSupported) throw cause;
      throw new Problem('unavailable', 'Admission tokens cannot be checked for a moment.', { cause });
    }
  };

const invalid = (why: string, cause?: unknown): Problem =>
  new Problem('token-invalid', `The admission token is not valid: ${why}.`, { cause });

/** Whether a credential says of itself that it is an admission token; whether it is a good one is another question. */
export function isAdmissionToken(credential: string): boolean {
  try {
    return decodeProtectedHeader(credential).typ === admissionTokenType;
  } catch {
    return false; // not a JWT at all
  }
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1), or null when there is none. */
export function bearerToken(authorization: string | null | undefined): string | null {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '');
  return match?.[1] ?? null;
}
