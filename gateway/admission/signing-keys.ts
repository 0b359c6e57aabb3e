import { createPrivateKey, createPublicKey } from 'node:crypto';
import { createLocalJWKSet, importJWK, type JWK, type JWTVerifyGetKey, SignJWT } from 'jose';
import { z } from 'zod';
import {
  type AdmissionClaims,
  admissionTokenAlgorithm,
  admissionTokenAudience,
  admissionTokenIssuer,
  admissionTokenType,
} from '#shared/admission-token.ts';
import { EnvError } from '#shared/env.ts';
import { idPattern } from '#shared/ids.ts';

const KEYS_MAX = 10;

const PrivateKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().regex(idPattern),
  x: z.string(),
  d: z.string(),
});

export type SigningKeys = {
  /** The key that signs new admissions. */
  signingKid: string;
  /** The public halves, as published at /.well-known/jwks.json (RFC 7517). */
  jwks: { keys: JWK[] };
  verificationKeys: JWTVerifyGetKey;
  /** The same claims and kid always give the same token: Ed25519 signatures are deterministic (RFC 8032). */
  sign: (
    kid: string,
    claims: Pick<AdmissionClaims, 'sub' | 'number' | 'jti' | 'sale' | 'iat' | 'exp' | 'ends'>,
  ) => Promise<string>;
};

/**
 * Reads SIGNING_KEYS: a JSON array of private Ed25519 JWKs. The first signs; the others stay published and keep signing
 * what was claimed under them, so that a repeated claim returns the same token after a rotation.
 */
export async function loadSigningKeys(text: string): Promise<SigningKeys> {
  const parsed = parseKeys(text);
  const privateKeys = new Map<string, Awaited<ReturnType<typeof importJWK>>>();
  for (const key of parsed) privateKeys.set(key.kid, await importJWK(key, admissionTokenAlgorithm));
  const jwks = {
    keys: parsed.map(({ kty, crv, x, kid }) => ({
      kty,
      crv,
      x,
      kid,
      alg: admissionTokenAlgorithm,
      use: 'sig',
    })),
  };
  return {
    signingKid: (parsed[0] as { kid: string }).kid,
    jwks,
    verificationKeys: createLocalJWKSet(jwks),
    async sign(kid, claims) {
      const key = privateKeys.get(kid);
      if (!key) throw new Error(`the signing key ${kid} of a live admission is no longer among SIGNING_KEYS`);
      return new SignJWT({ ...claims, iss: admissionTokenIssuer, aud: admissionTokenAudience })
        .setProtectedHeader({ alg: admissionTokenAlgorithm, typ: admissionTokenType, kid })
        .sign(key);
    },
  };
}

/** Throws one EnvError for keys that cannot be what they are for; what is not set is the schema's to tell. */
export const checkSigningKeys = ({ SIGNING_KEYS }: { SIGNING_KEYS?: string | undefined }): void => {
  if (SIGNING_KEYS !== undefined) parseKeys(SIGNING_KEYS);
};

/** The key of RFC 8037 appendix A, which everybody knows and examples carry. */
const KNOWN_PUBLIC_HALVES = new Set(['11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo']);

function parseKeys(text: string) {
  let keys: z.infer<typeof PrivateKey>[];
  try {
    keys = z.array(PrivateKey).min(1).max(KEYS_MAX).parse(JSON.parse(text));
  } catch {
    // The cause would quote the keys.
    throw new EnvError(['SIGNING_KEYS: must be a JSON array of private Ed25519 JWKs, each with a kid']);
  }
  const faults = keys.flatMap(({ kid, x, d }, i) => {
    const earlier = keys.slice(0, i);
    if (earlier.some((other) => other.kid === kid)) return ['must each have a kid of its own'];
    if (earlier.some((other) => other.x === x)) return [`key ${kid} is there twice, under another kid`];
    if (KNOWN_PUBLIC_HALVES.has(x)) return [`key ${kid} is an example that everybody knows`];
    return publicHalfOf(d) === x ? [] : [`the x of key ${kid} does not belong to its d`];
  });
  if (faults.length > 0) throw new EnvError(faults.map((fault) => `SIGNING_KEYS: ${fault}`));
  return keys;
}

/** RFC 8410 §7: what stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PRIVATE_KEY_BYTES = 32;

/** Null for what is no private key. Keys whose halves do not belong together would sign what nobody can verify. */
function publicHalfOf(d: string): string | null {
  const bytes = Buffer.from(d, 'base64url');
  if (bytes.length !== PRIVATE_KEY_BYTES) return null;
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'jwk' }).x ?? null;
}
