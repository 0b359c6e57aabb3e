import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayFixture, gatewayFixture } from '../testing/gateway-fixture.ts';
import { shellStates } from '../testing/page-states.ts';
import { saleOfSomeEvent } from '../testing/some-event.ts';
import { publicPage } from './layout.ts';
import { everyLocale, locales } from './locale.ts';

/** Gzipped, with style and script, as everybody loads it. */
const SHELL_BYTES_MAX = 3 * 1024;

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

const visit = (path: string, headers: Record<string, string> = {}) => g.app.request(path, { headers });
const join = (sale: string, key: string) =>
  g.post(`/api/sales/${sale}/queue`, {}, { 'content-type': 'application/json', 'idempotency-key': key });
const cookieOf = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';

describe.each(everyLocale)('in $language, chosen: $isChosen', (locale) => {
  test.each(Object.entries(shellStates(locale)))(
    'the queue page weighs less than 3 KB in all: %s',
    async (_, content) => {
      const { body } = await publicPage(locale, content, 'no-store');
      expect(gzipSync(body).length).toBeLessThan(SHELL_BYTES_MAX);
    },
  );
});

test('the queue page is the same bytes for every fan, with a place and without, and sets no cookie', async () => {
  const sale = await saleOfSomeEvent(g, { capacity: 1 });
  const [one, two] = [await join(sale, 'one'), await join(sale, 'two')];
  const admission = await g.post(`/api/sales/${sale}/queue/me/claim`, {}, { cookie: cookieOf(one) });
  const cookies = [
    '',
    cookieOf(one),
    cookieOf(two),
    `${cookieOf(one)}; ${cookieOf(admission)}; lang=ar; x=y`,
  ];
  const pages = await Promise.all(cookies.map((cookie) => visit(`/sales/${sale}`, { cookie })));
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(pages.map(({ headers }) => headers.get('set-cookie'))).toEqual([null, null, null, null]);
  expect(new Set(await Promise.all(pages.map((page) => page.text()))).size).toBe(1);
});

test('every gateway makes the same queue page of the same words, however many seats it knows to be left', async () => {
  const tags = [1, 2].map(async (i) => {
    const left = { seats: 900 - i, word: 'limited' } as const;
    const { open } = shellStates(locales.en, { left, admissionSeconds: 600 * i });
    return createHash('sha256')
      .update((await publicPage(locales.en, open!, 'no-store')).body)
      .digest('hex');
  });
  expect(new Set(await Promise.all(tags)).size).toBe(1);
});

test('shared caches may keep the queue page for a second, by language, and ask whether it is still the same', async () => {
  const sale = await saleOfSomeEvent(g);
  const page = await visit(`/sales/${sale}`, { 'accept-language': 'de' });
  expect(page.headers.get('cache-control')).toMatch(
    /^public, max-age=1, stale-while-revalidate=\d+, stale-if-error=\d+$/,
  );
  expect(page.headers.get('vary')).toBe('accept-language');
  const html = await page.text();
  expect(html).toMatch(/^<!doctype html><html lang=de dir=ltr>/);
  const etag = page.headers.get('etag') ?? '';
  const again = await visit(`/sales/${sale}`, { 'accept-language': 'de', 'if-none-match': etag });
  expect([again.status, await again.text()]).toEqual([304, '']);
  const other = await visit(`/sales/${sale}`, { 'accept-language': 'ar', 'if-none-match': etag });
  expect(other.status).toBe(200);
});

test('a language that is asked for by address stays asked for on the way on, without a cookie', async () => {
  const sale = await saleOfSomeEvent(g, { lobbyOpensAt: g.inSeconds(-60), opensAt: g.inSeconds(60) });
  const page = await visit(`/sales/${sale}?lang=ar`, { 'accept-language': 'de' });
  expect(page.headers.get('set-cookie')).toBeNull();
  const html = await page.text();
  expect(html).toContain('<html lang=ar dir=rtl>');
  expect(html).toContain(`content="0;url=/sales/${sale}/place?lang=ar"`);
  expect(html).toContain(`href="/sales/${sale}/draw?lang=ar"`);
  const place = await visit(`/sales/${sale}/place?lang=ar`);
  expect(place.headers.getSetCookie().some((cookie) => cookie.startsWith('lang=ar;'))).toBe(true);
});

test('the queue page changes with the state of the sale and the organiser’s message, and else stays the same', async () => {
  const sale = await saleOfSomeEvent(g);
  const tagOf = async () => (await visit(`/sales/${sale}`)).headers.get('etag');
  const before = await tagOf();
  await join(sale, 'somebody');
  expect(await tagOf()).toBe(before);
  await g.organise('POST', `/sales/${sale}/pause`, {});
  const paused = await visit(`/sales/${sale}`);
  expect(await paused.text()).toContain('Entry is paused for a moment');
  const { version } = (await (await g.organise('GET', `/sales/${sale}`)).json()) as { version: number };
  await g.organise('PATCH', `/sales/${sale}`, { version, notice: 'Doors <b>7 pm</b>' });
  expect(await (await visit(`/sales/${sale}`)).text()).toContain('Doors &lt;b&gt;7 pm&lt;/b&gt;');
});

test('without a script the queue page leads to a page where everything works without one', async () => {
  const sale = await saleOfSomeEvent(g);
  const html = await (await visit(`/sales/${sale}`)).text();
  expect(html).toContain(`<noscript><meta http-equiv=refresh content="0;url=/sales/${sale}/place">`);
  const place = await visit(`/sales/${sale}/place`);
  expect(place.headers.get('cache-control')).toBe('no-store');
  expect(await place.text()).toContain('Join the queue');
});
