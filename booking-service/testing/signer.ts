import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  admissionTokenAlgorithm,
  admissionTokenAudience,
  admissionTokenIssuer,
  admissionTokenType,
} from '#shared/admission-token.ts';
import { newId } from '#shared/ids.ts';
import { PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';

const ADMISSION_SECONDS = 600;

/** What the gateway claims for an admission that has just begun. */
export function admissionClaims(sale: string, claims: Record<string, unknown> = {}): Record<string, unknown> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const ends = nowSeconds + ADMISSION_SECONDS;
  return {
    ...{ iss: admissionTokenIssuer, aud: admissionTokenAudience, sub: newId(), jti: newId(), sale },
    ...{ iat: nowSeconds, ends, exp: ends + PAYMENT_EXTENSION_SECONDS },
    ...claims,
  };
}

/** Signs admission tokens as the gateway does. */
export async function createSigner() {
  const { publicKey, privateKey } = await generateKeyPair(admissionTokenAlgorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: admissionTokenAlgorithm, use: 'sig' };
  const sign = (claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: admissionTokenAlgorithm, typ: admissionTokenType, kid: 'test', ...header })
      .sign(privateKey);
  const privateJwk = { ...(await exportJWK(privateKey)), kid: 'test' };
  return { publicKey, privateKey, jwk, privateJwk, sign };
}
