import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { type GatewayFixture, gatewayFixture } from '../testing/gateway-fixture.ts';
import { saleOfSomeEvent } from '../testing/some-event.ts';
import { acceptedLanguage, locales } from './locale.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

const page = async (path: string, headers: Record<string, string> = {}) => {
  const answer = await g.app.request(path, { headers: { accept: 'text/html', ...headers } });
  const text = await answer.text();
  const [, lang, dir] = /<html lang="(\w+)" dir="(\w+)">/.exec(text) ?? [];
  return { lang, dir, text, headers: answer.headers };
};

test.each([
  ['', 'en'],
  ['de', 'de'],
  ['de-AT, en;q=0.8', 'de'],
  ['fr, ar-EG;q=0.7, en;q=0.5', 'ar'],
  ['fr, *;q=0.1', 'en'],
  ['de;q=0, ar;q=0.2', 'ar'],
  ['de;q=5, ar', 'ar'],
])('of the accepted languages %s the best that there is is %s', (header, language) => {
  expect(acceptedLanguage(header)).toBe(language);
});

test('a fan’s page is in the language that was asked for by address, from then on, else in the browser’s own', async () => {
  const sale = await g.sale();
  const german = await page(`/sales/${sale}/place`, { 'accept-language': 'de' });
  expect(german).toMatchObject({ lang: 'de', dir: 'ltr' });
  expect(german.headers.getSetCookie().filter((one) => one.startsWith('lang='))).toEqual([]);
  const arabic = await page(`/sales/${sale}/place?lang=ar`, { 'accept-language': 'de' });
  expect(arabic).toMatchObject({ lang: 'ar', dir: 'rtl' });
  const cookie = arabic.headers.getSetCookie().find((one) => one.startsWith('lang='));
  expect(cookie).toMatch(/^lang=ar; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  const next = await page(`/sales/${sale}/place`, { 'accept-language': 'de', cookie: 'lang=ar' });
  expect(next).toMatchObject({ lang: 'ar', dir: 'rtl' });
  expect(await page(`/sales/${sale}/place?lang=xx`, { cookie: 'lang=xx' })).toMatchObject({ lang: 'en' });
});

test('a page that shared caches keep differs by the header they know of, and by its address', async () => {
  const german = await page('/', { 'accept-language': 'de', cookie: 'lang=ar' });
  expect(german).toMatchObject({ lang: 'de' });
  expect(german.headers.get('vary')).toBe('accept-language');
  expect(german.text).toContain('<h1>Konzerte</h1>');
  const arabic = await page('/?lang=ar');
  expect(arabic).toMatchObject({ lang: 'ar', dir: 'rtl' });
  expect(arabic.text).toContain('href="?lang=de" lang="de"');
});

const linksOf = (text: string): string[] =>
  [...text.matchAll(/(?:href|url)="?(\/[^" >]*)/g)].map(([, link]) => String(link));

test('a language that was chosen goes on by address from the concerts to the own place, through pages that set no cookie', async () => {
  const sale = await saleOfSomeEvent(g, {}, ['a-code']);
  const isThere = async () => (await page('/')).text.includes(sale);
  await vi.waitUntil(isThere, SOON_MS);
  for (const [asked, carried] of [
    ['?lang=ar', '?lang=ar'],
    ['', ''],
    ['?lang=xx', ''],
  ]) {
    const seen = new Set(['/']);
    for (const path of seen) {
      const { text, headers } = await page(path === '/' ? `/${asked}` : path, { cookie: 'lang=de' });
      if (path.includes('/place')) continue;
      expect([path, headers.getSetCookie(), headers.get('cache-control')]).toEqual([
        path,
        [],
        expect.stringMatching(/^public/),
      ]);
      for (const link of linksOf(text)) if (!link.includes('/draw')) seen.add(link);
    }
    const others = [...seen].slice(1);
    expect(others).toContain(`/sales/${sale}${carried}`);
    expect(others).toContain(`/sales/${sale}/place${carried}`);
    expect(others.filter((link) => !link.endsWith(carried ?? '') || /lang=.*lang=/.test(link))).toEqual([]);
    if (carried === '') expect(others.join()).not.toContain('lang');
  }
});

test('a language that a cookie remembers goes on by address from a fan’s own pages to those that read no cookie', async () => {
  const sale = await saleOfSomeEvent(g);
  for (const [cookie, carried] of [
    ['lang=ar', '?lang=ar'],
    ['', ''],
  ]) {
    const headers = { accept: 'text/html', cookie: cookie ?? '' };
    const shop = await g.app.request(`/sales/${sale}/seats`, { headers });
    expect([shop.status, shop.headers.get('location')]).toEqual([303, `/sales/${sale}${carried}`]);
    expect(linksOf((await page(`/sales/${sale}/draw`, headers)).text)).toContain(`/sales/${sale}${carried}`);
    expect(linksOf((await page('/nothing-here', headers)).text)).toEqual([`/${carried}`]);
    expect(linksOf((await page(`/sales/${sale}/nothing-here`, headers)).text)).toEqual([
      `/sales/${sale}${carried}`,
    ]);
  }
});

test('numbers, money, counts and lengths of time are written as the language writes them', () => {
  const { en, de, ar } = locales;
  const of = { amount: 123_456, currency: 'EUR' };
  expect([en, de, ar].map(({ number }) => number(12_408))).toEqual(['12,408', '12.408', '12,408']);
  expect([en.money(of), de.money(of).replace(/\s/, ' ')]).toEqual(['€1,234.56', '1.234,56 €']);
  expect([en.duration(900), de.duration(900)]).toEqual(['15 minutes', '15 Minuten']);
  const forms = { one: '{n} seat', other: '{n} seats' };
  expect([en.count(1, forms), en.count(1_000, forms)]).toEqual(['1 seat', '1,000 seats']);
  const arabic = { zero: 'لا مقاعد', one: 'مقعد واحد', two: 'مقعدان', few: '{n} مقاعد', other: '{n} مقعدًا' };
  expect([0, 1, 2, 3, 11].map((n) => ar.count(n, arabic))).toEqual([
    ...['لا مقاعد', 'مقعد واحد', 'مقعدان', '3 مقاعد', '11 مقعدًا'],
  ]);
});
