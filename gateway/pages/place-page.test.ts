import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { saleCookies } from '../queue/credentials.ts';
import { type GatewayFixture, gatewayFixture } from '../testing/gateway-fixture.ts';
import { saleOfSomeEvent } from '../testing/some-event.ts';
import { type Language, languages } from './locale.ts';
import { timeLeft } from './words.ts';

/** Gzipped, with style and script. */
const NO_PLACE_BYTES_MAX = 2 * 1024;
/** Of the page of a fan who waits. The words of all views that may come take most of the rest. */
const WAITING_BYTES_MAX: Record<Language, number> = { en: 5_450, de: 5_600, ar: 5_960 };

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

const sale = (settings: Partial<SaleDefinition> = {}) => saleOfSomeEvent(g, settings);
const visit = (sale: string, cookie = '', language = 'en') =>
  g.app.request(`/sales/${sale}/place`, { headers: { cookie, 'accept-language': language } });
const press = (sale: string, cookie: string, body = '') =>
  g.app.request(`/sales/${sale}/join`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
const cookieOf = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';

test('a browser without a place gets one key that no script sees, and every press of its button is the same join', async () => {
  const id = await sale({ capacity: 1 });
  const fresh = await visit(id);
  expect(fresh.headers.get('cache-control')).toBe('no-store');
  expect(fresh.headers.get('set-cookie')).toMatch(
    new RegExp(`^join-${id}=[\\w-]{22}; Path=/; HttpOnly; SameSite=Lax; Max-Age=\\d+$`),
  );
  const key = cookieOf(fresh);
  expect((await visit(id, key)).headers.get('set-cookie')).toBeNull();

  // None of the answers has arrived: what comes back to the server is the key alone.
  const answers = await Promise.all([press(id, key), press(id, key)]);
  answers.push(await press(id, key));
  const tickets = new Set(answers.map(cookieOf));
  expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
  expect(tickets.size).toBe(1);
  const [ticket = ''] = tickets;
  expect(ticket).toMatch(new RegExp(`^queue-${id}=`));
  expect((await visit(id, `${key}; ${ticket}`)).headers.get('set-cookie')).toBeNull();
});

test('the key that a script sends with the form is the one that counts, and one that is none is as good as absent', async () => {
  const id = await sale({ capacity: 1 });
  const answers = await Promise.all([
    press(id, `join-${id}=cookie`, 'key=1.2.3'),
    press(id, '', 'key=1.2.3'),
    press(id, `join-${id}=1.2.3`, 'key='),
    press(id, `join-${id}=1.2.3`, 'key=not+one'),
    press(id, `join-${id}=cookie`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(303));
  const [first, ...others] = answers.map(cookieOf);
  expect(others.map((ticket) => ticket === first)).toEqual([true, true, true, false]);
});

test('behind https the key is bound to its host like every cookie of a sale', () => {
  expect(saleCookies({ secure: true, secret: 's' }).write('x', 'join', 'k')).toMatch(
    /^__Host-join-x=k; Path=\/; HttpOnly; SameSite=Lax; Secure; /,
  );
});

test('the page of the own place is the same bytes for everybody without one', async () => {
  const id = await sale();
  const pages = await Promise.all([visit(id), visit(id), visit(id, `join-${id}=k`)]);
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(new Set(await Promise.all(pages.map((page) => page.text()))).size).toBe(1);
});

test('a sale that nobody can join gives no key', async () => {
  const id = await sale({ opensAt: g.inSeconds(60) });
  const page = await visit(id);
  expect(page.status).toBe(200);
  expect(page.headers.get('set-cookie')).toBeNull();
});

test.each(languages)(
  'the page of the own place is light in %s, without one and while waiting',
  async (language) => {
    const id = await sale();
    const fresh = await visit(id, '', language);
    const html = await fresh.text();
    expect(html).toContain(`<html lang="${language}"`);
    expect(gzipSync(html).length).toBeLessThan(NO_PLACE_BYTES_MAX);
    const ticket = cookieOf(await press(id, cookieOf(fresh)));
    const waiting = await (await visit(id, ticket, language)).text();
    expect(waiting).toContain('data-state="waiting"');
    expect(gzipSync(waiting).length).toBeLessThan(WAITING_BYTES_MAX[language]);
  },
);

test('a page whose space is taken out reads the same', async () => {
  const id = await sale();
  const ticket = cookieOf(await press(id, cookieOf(await visit(id))));
  const html = await (await visit(id, ticket)).text();
  expect(html).toContain('>Refresh</a> <noscript>');
  expect(html).toMatch(/Updated <span data-show="updated">[^<]+<\/span>\. <a /);
});

test('every clock says what is left before any script does', async () => {
  const scheduled = await sale({ opensAt: g.inSeconds(3_725) });
  const open = await sale({ capacity: 1, claimSeconds: 180 });
  const cookie = cookieOf(await press(open, ''));
  await giveTurns(g.store, open);
  await g.queue.watch.renew(open);
  for (const page of [await visit(scheduled), await visit(open, cookie)]) {
    const html = await page.text();
    const told = (name: string) => Date.parse(new RegExp(`data-${name}="?([^" >]+)`).exec(html)?.[1] ?? '');
    const seconds = Math.floor((told('until') - told('now')) / 1_000);
    expect(seconds).toBeGreaterThan(0);
    expect(/<span data-until=[^>]*>([^<]*)</.exec(html)?.[1]).toBe(timeLeft(seconds, 'en'));
  }
});
