import { createHmac, generateKeyPairSync } from 'node:crypto';
import { exportSPKI, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { internalHeaders } from '#shared/internal.ts';
import { internalSecret, startBooking, type TestBooking } from '../testing/booking.ts';
import { admissionClaims } from '../testing/signer.ts';

let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  booking = await startBooking();
  const event = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 5, amount: 5_000 }]);
  sale = (await booking.makeSale(event.event)).sale;
});

afterAll(() => booking.stop());

const ask = (token: string, headers: Record<string, string> = {}) =>
  booking.internal('GET', `/api/sales/${sale}/seats`, {
    headers: { authorization: `Bearer ${token}`, [internalHeaders.admission]: 'live', ...headers },
  });

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('without the internal key', () => {
  test.each([
    ['GET', '/internal/stock'],
    ['POST', '/internal/events'],
    ['GET', '/internal/dev/mail'],
    ['GET', '/api/sales/demo/seats'],
    ['POST', '/api/sales/demo/holds'],
    ['OPTIONS', '/api/sales/demo/orders'],
    ['GET', '/nothing-here'],
  ])('%s %s is refused, with a wrong one too', async (method, path) => {
    const headersTried: Record<string, string>[] = [{}, { [internalHeaders.key]: `${internalSecret}x` }];
    for (const headers of headersTried) {
      const answer = await booking.send(method, path, { headers });
      expect(answer).toMatchObject({ status: 401, body: { code: 'gate-required' } });
    }
  });

  test('only the probes answer', async () => {
    const probes = await Promise.all(['/livez', '/readyz'].map((path) => booking.app.request(path)));
    expect(probes.map((response) => response.status)).toEqual([200, 200]);
  });
});

describe('a fan', () => {
  test('with a token of this sale and an admission that the gateway vouches for gets in', async () => {
    const token = await booking.signer.sign(admissionClaims(sale));
    expect((await ask(token)).status).toBe(200);
  });

  test('without a token, or without the gateway’s word, is sent to the queue', async () => {
    const token = await booking.signer.sign(admissionClaims(sale));
    for (const headers of [
      { authorization: '' },
      { authorization: `Basic ${token}` },
      { [internalHeaders.admission]: '' },
      { [internalHeaders.admission]: 'LIVE' },
    ]) {
      expect(await ask(token, headers)).toMatchObject({ status: 401, body: { code: 'gate-required' } });
    }
  });
});

describe('refused as token-invalid', () => {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const forged: [string, () => Promise<string>][] = [
    ['no signature', async () => (await genuine()).split('.').slice(0, 2).join('.').concat('.')],
    [
      'alg none',
      async () => `${base64url({ alg: 'none', typ: 'admission+jwt', kid: 'test' })}.${await payload()}.`,
    ],
    [
      'alg nOnE',
      async () => `${base64url({ alg: 'nOnE', typ: 'admission+jwt', kid: 'test' })}.${await payload()}.`,
    ],
    ['HS256 keyed with the public key as PEM', async () => hmac(await exportSPKI(booking.signer.publicKey))],
    ['HS256 keyed with the public key as JWK', async () => hmac(JSON.stringify(booking.signer.jwk))],
    ['another Ed25519 key', foreignKey],
    ['a payload from another token', async () => splice()],
    ['another audience', () => signed({ aud: 'admit-one/gateway' })],
    ['several audiences', () => signed({ aud: ['admit-one/booking', 'x'] })],
    ['another issuer', () => signed({ iss: 'someone' })],
    ['another type', () => signed({}, { typ: 'JWT' })],
    ['no type', () => signed({}, { typ: undefined })],
    ['no key id', () => signed({}, { kid: undefined })],
    ['an unknown key id', () => signed({}, { kid: '../../etc/passwd' })],
    ['a key in the header', () => signed({}, { jwk: booking.signer.jwk })],
    ['a key address in the header', () => signed({}, { jku: 'http://127.0.0.1:9/keys' })],
    ['another sale', () => signed({ sale: 'another' })],
    ['no expiry', () => signed({ exp: undefined })],
    ['an expiry as text', () => signed({ exp: '9999999999' })],
    ['an endless expiry', () => signed({ exp: 1e308 })],
    ['an expiry beyond the tolerance', () => signed({ exp: nowSeconds - 121 })],
    ['issued in the future', () => signed({ iat: nowSeconds + 200 })],
    ['a further claim', () => signed({ admin: true })],
    ['a megabyte', async () => `${await genuine()}${'a'.repeat(1_000_000)}`],
  ];

  test.each(forged)('%s', async (_, make) => {
    expect(await ask(await make())).toMatchObject({ status: 401, body: { code: 'token-invalid' } });
  });

  const genuine = () => booking.signer.sign(admissionClaims(sale));
  const signed = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    booking.signer.sign(admissionClaims(sale, claims), header);
  const payload = async () => base64url(admissionClaims(sale));

  async function hmac(key: string): Promise<string> {
    const signing = `${base64url({ alg: 'HS256', typ: 'admission+jwt', kid: 'test' })}.${await payload()}`;
    return `${signing}.${createHmac('sha256', key).update(signing).digest('base64url')}`;
  }

  async function foreignKey(): Promise<string> {
    const { privateKey } = generateKeyPairSync('ed25519');
    return new SignJWT(admissionClaims(sale))
      .setProtectedHeader({ alg: 'EdDSA', typ: 'admission+jwt', kid: 'test' })
      .sign(privateKey);
  }

  async function splice(): Promise<string> {
    const [header, , signature] = (await genuine()).split('.');
    return `${header}.${await payload()}.${signature}`;
  }
});

test('a token that has run out within the clocks’ tolerance is still good', async () => {
  const exp = Math.floor(Date.now() / 1000) - 100;
  const token = await booking.signer.sign(admissionClaims(sale, { exp, ends: exp - 300 }));
  expect((await ask(token)).status).toBe(200);
});

describe('how long a new hold may last', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1000);
  const hold = async (endsInSeconds: number, leftMs: number | null) => {
    const ends = nowSeconds() + endsInSeconds;
    const token = await booking.signer.sign(
      admissionClaims(sale, {
        sub: `fan${endsInSeconds}_${leftMs ?? ''}`,
        iat: ends - 600,
        ends,
        exp: ends + 300,
      }),
    );
    return booking.internal('POST', `/api/sales/${sale}/holds`, {
      json: { best: { quantity: 1 } },
      headers: {
        authorization: `Bearer ${token}`,
        [internalHeaders.admission]: 'live',
        ...(leftMs === null ? {} : { [internalHeaders.left]: String(leftMs) }),
      },
    });
  };
  const lastsMs = (answer: { body: Record<string, unknown> }) =>
    Date.parse(String(answer.body.expiresAt)) - Date.now();

  test('is the gateway’s word, however far this service’s clock is from its own', async () => {
    expect(lastsMs(await hold(5, 95_000))).toBeGreaterThan(90_000);
    expect(lastsMs(await hold(500, 20_000))).toBeLessThanOrEqual(20_000);
    expect(await hold(60, -1)).toMatchObject({ status: 401, body: { code: 'gate-required' } });
  });

  test('is judged by the token, in the fan’s favour, while the gateway cannot say', async () => {
    expect((await hold(-60, null)).status).toBe(201);
    expect(await hold(-121, null)).toMatchObject({ status: 401, body: { code: 'gate-required' } });
  });
});
