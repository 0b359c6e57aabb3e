import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';

export type Forger = Awaited<ReturnType<typeof forgeTokens>>;

type Json = Record<string, unknown>;

const base64url = (value: Json | string | Buffer): string =>
  (Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url');

/** Tokens as an attacker would make them who knows everything that is public, and as nobody could who has no private key. */
export async function forgeTokens(signingKeys: string, sale: string) {
  const [jwk] = JSON.parse(signingKeys) as [Json & { kid: string }];
  const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
  const publicKey = createPublicKey(privateKey);
  const strangers = generateKeyPairSync('ed25519');

  const claims = (changed: Json = {}): Json => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    return {
      ...{ iss: 'admit-one/gateway', aud: 'admit-one/booking', sub: 'AAAAAAAAAAA', jti: 'BBBBBBBBBBB', sale },
      ...{ iat: nowSeconds, ends: nowSeconds + 600, exp: nowSeconds + 900 },
      ...changed,
    };
  };
  const header = (changed: Json = {}): Json => ({
    alg: 'EdDSA',
    typ: 'admission+jwt',
    kid: jwk.kid,
    ...changed,
  });
  const signedBy = (key: KeyObject, head: Json, body: Json): string => {
    const text = `${base64url(head)}.${base64url(body)}`;
    return `${text}.${base64url(sign(null, Buffer.from(text), key))}`;
  };

  return {
    publicJwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x },
    strangersJwk: strangers.publicKey.export({ format: 'jwk' }) as Json,
    /** By the gateway's own key: what is wrong with it is nothing but what has been changed. */
    signed: (changedClaims: Json, changedHeader: Json = {}) =>
      signedBy(privateKey, header(changedHeader), claims(changedClaims)),
    byAStranger: (changedHeader: Json = {}) =>
      signedBy(strangers.privateKey, header(changedHeader), claims()),
    unsigned: (alg: string) => `${base64url(header({ alg }))}.${base64url(claims())}.`,
    /** HS256 with what everybody knows as its secret. */
    hmacWith: (form: 'PEM' | 'DER' | 'JWK' | 'raw') => {
      const secrets = {
        PEM: publicKey.export({ format: 'pem', type: 'spki' }),
        DER: publicKey.export({ format: 'der', type: 'spki' }),
        JWK: JSON.stringify(publicKey.export({ format: 'jwk' })),
        raw: Buffer.from(String(jwk.x), 'base64url'),
      };
      const text = `${base64url(header({ alg: 'HS256' }))}.${base64url(claims())}`;
      return `${text}.${base64url(createHmac('sha256', secrets[form]).update(text).digest())}`;
    },
  };
}
