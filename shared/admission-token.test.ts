import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AdmissionTokenVerifier, createAdmissionTokenVerifier } from './admission-token.ts';

const now = 1_800_000_000;
const claims = {
  iss: 'admit-one/gateway',
  aud: 'admit-one/booking',
  sub: 'entry',
  jti: 'admission',
  sale: 'demo',
  iat: now,
  ends: now + 600,
  exp: now + 900,
};

let verify: AdmissionTokenVerifier;
let tolerant: AdmissionTokenVerifier;
let clockMs = now * 1000;
let sign: (changes?: object, header?: object) => Promise<string>;
let publicPem: string;
let publicJwk: JsonWebKey;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  publicJwk = (await exportJWK(publicKey)) as JsonWebKey;
  publicPem = createPublicKey({ key: publicJwk, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
  const keys = createLocalJWKSet({ keys: [{ ...publicJwk, kid: 'k1', alg: 'EdDSA' }] });
  verify = createAdmissionTokenVerifier({ keys, clock: () => clockMs, toleranceSeconds: 0 });
  tolerant = createAdmissionTokenVerifier({ keys, clock: () => clockMs, toleranceSeconds: 120 });
  sign = (changes = {}, header = {}) =>
    new SignJWT({ ...claims, ...changes } as JWTPayload)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'admission+jwt', kid: 'k1', ...header })
      .sign(privateKey);
});

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const refused = (token: string) => expect(verify(token)).rejects.toMatchObject({ code: 'token-invalid' });

test('a token of ours is read, again and again', async () => {
  const token = await sign();
  expect(await verify(token)).toEqual(claims);
  expect(await verify(token)).toEqual(claims);
});

test('exp is judged exactly where no tolerance is given, also for a token verified before', async () => {
  const token = await sign();
  await verify(token);
  await tolerant(token);
  clockMs = claims.exp * 1000 - 1;
  await verify(token);
  clockMs = claims.exp * 1000;
  await refused(token);
  expect(await tolerant(token)).toEqual(claims);
  clockMs = (claims.exp + 120) * 1000;
  await expect(tolerant(token)).rejects.toMatchObject({ code: 'token-invalid' });
  clockMs = now * 1000;
});

describe('refused is a token', () => {
  test.each(['none', 'None', 'nOnE'])('with alg %s', async (alg) => {
    await refused(`${encode({ alg, typ: 'admission+jwt', kid: 'k1' })}.${encode(claims)}.`);
  });

  test('signed by HMAC with the public key', async () => {
    for (const key of [publicPem, JSON.stringify(publicJwk)]) {
      const input = `${encode({ alg: 'HS256', typ: 'admission+jwt', kid: 'k1' })}.${encode(claims)}`;
      await refused(`${input}.${createHmac('sha256', key).update(input).digest('base64url')}`);
    }
  });

  test('that brings its own key, names an unknown one, or none', async () => {
    await refused(await sign({}, { jwk: publicJwk }));
    await refused(await sign({}, { jku: 'http://127.0.0.1:1/keys' }));
    await refused(await sign({}, { x5c: ['AAAA'] }));
    for (const kid of ['k2', '../k1', "k1' or 1=1", '__proto__', undefined])
      await refused(await sign({}, { kid }));
  });

  test('of another type, issuer, audience, or with claims missing, misshapen or added', async () => {
    await refused(await sign({}, { typ: 'JWT' }));
    await refused(await sign({}, { typ: undefined }));
    await refused(await sign({}, { cty: 'JWT' }));
    for (const changes of [
      { iss: 'someone' },
      { aud: 'someone' },
      { aud: ['admit-one/booking'] },
      { exp: undefined },
      { exp: '1900000000' },
      { exp: 1e308 },
      { ends: undefined },
      { jti: undefined },
      { sub: '../x' },
      { sale: 'a/b' },
      { admin: true },
    ]) {
      await refused(await sign(changes));
    }
  });

  test('from the future', async () => {
    await refused(await sign({ iat: now + 122 }));
  });

  test('whose signature is missing, flipped or of another token', async () => {
    const [header, payload, signature] = (await sign()).split('.') as [string, string, string];
    await refused(`${header}.${payload}.`);
    await refused(`${header}.${payload}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`);
    await refused(`${header}.${payload}.${(await sign({ jti: 'other' })).split('.')[2]}`);
    await refused(`${header}.${encode({ ...claims, sub: 'other' })}.${signature}`);
  });

  test('that is long, encrypted, or nothing like a token', async () => {
    for (const token of ['', 'a', 'a.b', 'a.b.c', 'a.b.c.d.e', `${'x'.repeat(1_000_000)}.b.c`])
      await refused(token);
  });
});

test('when the keys cannot be had the answer is unavailable, not a refusal', async () => {
  const keyless = createAdmissionTokenVerifier({
    keys: () => Promise.reject(new TypeError('fetch failed')),
    clock: () => clockMs,
    toleranceSeconds: 0,
  });
  await expect(keyless(await sign())).rejects.toMatchObject({ code: 'unavailable' });
});
