import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOrganisers } from '../../organiser/organisers.ts';
import { type GatewayFixture, gatewayFixture, organiserKey } from '../../testing/gateway-fixture.ts';
import { consoleSessions } from './sessions.ts';

const HOUR_MS = 3_600_000;
const ada = `ada:${'a'.repeat(32)}`;
const ben = `ben:${'b'.repeat(32)}`;
const keyOf = (pair: string) => pair.slice(pair.indexOf(':') + 1);

let now = Date.parse('2031-01-01T10:00:00Z');
const sessionsOf = (
  ORGANISER_KEYS: string,
  secret = 'a-secret-of-thirty-two-characters',
  publicUrl = 'https://shop.example',
) => consoleSessions({ secret, organisers: readOrganisers({ ORGANISER_KEYS }), clock: () => now, publicUrl });

const sessionIn = (setCookie: string): string => /^[^=]+=([^;]*)/.exec(setCookie)?.[1] ?? '';

describe('a session', () => {
  const session = sessionIn(sessionsOf(`${ada},${ben}`).open(keyOf(ada)));

  test('is accepted by every gateway with the same secret and keys, and by no other', () => {
    expect(sessionsOf(`${ada},${ben}`).organiserOf(session)).toBe('ada');
    expect(sessionsOf(`${ben},${ada}`).organiserOf(session)).toBe('ada');
    expect(sessionsOf(`${ada},${ben}`, 'another-secret-of-32-characters!!').organiserOf(session)).toBeNull();
  });

  test('ends when its organiser’s key is removed or replaced, and nobody else’s', () => {
    const bens = sessionIn(sessionsOf(`${ada},${ben}`).open(keyOf(ben)));
    for (const keys of [ben, `ada:${'c'.repeat(32)},${ben}`]) {
      expect(sessionsOf(keys).organiserOf(session)).toBeNull();
      expect(sessionsOf(keys).organiserOf(bens)).toBe('ben');
    }
  });

  test('lives through a change of the secret and of its organiser’s key, as long as its own are named', () => {
    const newer = `ada:${'c'.repeat(32)}`;
    const [first, second] = ['a-secret-of-thirty-two-characters', 'another-secret-of-32-characters!!'];
    expect(sessionsOf(`${newer},${ada}`, `${second},${first}`).organiserOf(session)).toBe('ada');
    const later = sessionIn(sessionsOf(`${newer},${ada}`, `${second},${first}`).open(keyOf(newer)));
    expect(sessionsOf(`${ada},${newer}`, `${first},${second}`).organiserOf(later)).toBe('ada');
    expect(sessionsOf(newer, second).organiserOf(later)).toBe('ada');
    expect(sessionsOf(newer, second).organiserOf(session)).toBeNull();
    expect(sessionsOf(ada, second).organiserOf(later)).toBeNull();
  });

  test('ends after twelve hours', () => {
    const began = now;
    now = began + 12 * HOUR_MS - 1;
    expect(sessionsOf(`${ada},${ben}`).organiserOf(session)).toBe('ada');
    now = began + 12 * HOUR_MS;
    expect(sessionsOf(`${ada},${ben}`).organiserOf(session)).toBeNull();
    now = began;
  });

  test('that is forged in any part is none', () => {
    const sessions = sessionsOf(`${ada},${ben}`);
    const [version, name, endsAt, mac] = session.split('.') as [string, string, string, string];
    const flipped = (mac[0] === 'A' ? 'B' : 'A') + mac.slice(1);
    const forged = [
      [version, Buffer.from('ben').toString('base64url'), endsAt, mac],
      [version, name, String(Number(endsAt) + 1), mac],
      [version, name, endsAt, flipped],
      [version, name, endsAt, ''],
      ['c2', name, endsAt, mac],
    ].map((parts) => parts.join('.'));
    for (const each of [...forged, '', 'c1', `${session}x`, 'x'.repeat(10_000), undefined])
      expect(sessions.organiserOf(each)).toBeNull();
  });

  test('travels in a cookie that no script and no other site sees, bound to this host behind https', () => {
    expect(sessionsOf(ada).open(keyOf(ada))).toMatch(
      /^__Host-console=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=43200$/,
    );
    expect(sessionsOf(ada, undefined, 'http://127.0.0.1:3000').open(keyOf(ada))).toMatch(
      /^console=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
  });
});

describe('the console', () => {
  let gateway: GatewayFixture;
  beforeAll(async () => {
    gateway = await gatewayFixture();
  });
  afterAll(() => gateway?.close());

  const html = { accept: 'text/html' };
  const form = { ...html, 'content-type': 'application/x-www-form-urlencoded' };
  const signIn = (key: string, to = '', headers: Record<string, string> = {}) =>
    gateway.app.request('/organiser/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ key, to }).toString(),
      headers: { ...form, ...headers },
    });
  const signedIn = async () =>
    `console=${sessionIn((await signIn(organiserKey)).headers.get('set-cookie') ?? '')}`;

  test('lets in whoever brings a key, to a place of the console and nowhere else', async () => {
    const answer = await signIn(organiserKey, '/organiser/sales/s1');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/organiser/sales/s1']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    for (const elsewhere of ['https://evil.example', '//evil.example', '/organiser/../x', '/organiserx'])
      expect((await signIn(organiserKey, elsewhere)).headers.get('location')).toBe('/organiser');
    const wrong = await signIn('wrong');
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null]);
  });

  test('shows nothing to whoever has no session, and changes nothing', async () => {
    const page = await gateway.app.request('/organiser/sales/s1', { headers: html });
    expect([page.status, page.headers.get('location')]).toEqual([
      303,
      '/organiser/sign-in?to=%2Forganiser%2Fsales%2Fs1',
    ]);
    const change = await gateway.app.request('/organiser/sales/s1/pause', {
      method: 'POST',
      body: '',
      headers: form,
    });
    expect(change.status).toBe(401);
    for (const path of ['stats', 'stats/stream', 'orders.csv'])
      expect((await gateway.app.request(`/organiser/sales/s1/${path}`)).status).toBe(401);
    const forged = { ...form, cookie: `console=c1.b3JnYW5pc2Vy.99999999999.${'A'.repeat(43)}` };
    expect(
      (await gateway.app.request('/organiser/mail', { method: 'POST', body: '', headers: forged })).status,
    ).toBe(401);
  });

  test('refuses every change that another site asks for, session or not', async () => {
    const cookie = await signedIn();
    const from = (headers: Record<string, string>) =>
      gateway.app.request('/organiser/sign-out', {
        method: 'POST',
        body: '',
        headers: { ...form, cookie, ...headers },
      });
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ] as Record<string, string>[])
      expect((await from(headers)).status).toBe(403);
    expect((await signIn(organiserKey, '', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const own = await from({ 'sec-fetch-site': 'same-origin' });
    expect([own.status, own.headers.get('set-cookie')]).toEqual([
      303,
      expect.stringMatching(/^console=; .*Max-Age=0$/),
    ]);
  });

  test('is never kept, never framed, and runs no script but its own', async () => {
    const page = await gateway.app.request('/organiser/events/new', {
      headers: { ...html, cookie: await signedIn() },
    });
    expect(page.status).toBe(200);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
  });
});

test('wrong keys in the form count against their address like those in a header', async () => {
  const gateway = await gatewayFixture(undefined, {
    TRUSTED_PROXIES: '127.0.0.1',
    RATE_LIMITS: 'credentials=0.001/3',
  });
  const incoming = { socket: { remoteAddress: '127.0.0.1' }, headers: { 'x-forwarded-for': '192.0.2.1' } };
  const ask = (path: string, init: RequestInit) => gateway.app.request(path, init, { incoming });
  const byForm = async (key: string) =>
    (
      await ask('/organiser/sign-in', {
        method: 'POST',
        body: new URLSearchParams({ key }).toString(),
        headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      })
    ).status;
  const byHeader = async () =>
    (await ask('/api/organiser/sales', { headers: { authorization: 'Bearer wrong' } })).status;
  expect([await byForm('wrong'), await byHeader(), await byForm('')]).toEqual([401, 401, 401]);
  expect([await byForm('wrong'), await byHeader()]).toEqual([429, 429]);
  expect(await byForm(organiserKey)).toBe(303);
  await gateway.close();
});
