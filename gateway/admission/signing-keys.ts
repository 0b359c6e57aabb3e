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

function parseKeys(text: string) {
  try {
    const keys = z.array(PrivateKey).min(1).max(KEYS_MAX).parse(JSON.parse(text));
    if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw new Error('kids must differ');
    return keys;
  } catch {
    // The cause would quote the keys.
    throw new EnvError(
      'The environment is not complete:\n  SIGNING_KEYS: must be a JSON array of private Ed25519 JWKs',
    );
  }
}
