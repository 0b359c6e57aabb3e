import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { locales } from '../../../gateway/pages/locale.ts';
import { chromePath } from '../../testing/chrome.ts';
import { type OwnRedis, ownRedis } from '../../testing/redis-server.ts';
import { type Shop, startShop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { busySale } from '../company.ts';
import { joinAndWait, numberOf, pressJoin, waitingVisitor } from '../on-pages.ts';
import { command, openSale } from '../organise.ts';
import { createVisitor, hidable, openTab, PAGE_MS_MAX, visit } from '../visitor.ts';

const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];
/** Sooner than a page asks again by itself after a fault. */
const AT_ONCE_MS_MAX = 1_000;
/** What an organiser changes is in effect within a second, on a page that is open too. */
const IN_EFFECT_MS_MAX = 1_000;

const alwaysHidden = `
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  Object.defineProperty(document, 'hidden', { get: () => true });`;

describe.skipIf(!chromePath)('the queue page in a real browser', () => {
  let redis: OwnRedis;
  let shop: Shop;
  let chrome: Browser;
  // Named first, it ends last: the shop needs it until then.
  afterAll(() => redis?.stop());
  withShopAndChrome(
    (...given) => {
      [shop, chrome] = given;
    },
    async () => {
      redis = await ownRedis();
      return startShop({ env: { REDIS_URL: redis.url } });
    },
  );

  const addressOf = (path: string) => `${shop.gatewayUrls[0]}/sales/${path}`;
  const shown = (page: Page, text: string) => page.waitForSelector(`text=${text}`, { state: 'visible' });

  /** What a page asks for from now on, by the last part of the address; loading a page is `page`. */
  function requestsOf(page: Page): string[] {
    const seen: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      seen.push(request.isNavigationRequest() ? 'page' : pathname.slice(pathname.lastIndexOf('/') + 1));
    });
    return seen;
  }

  const lookNow = (page: Page) => page.evaluate(`dispatchEvent(new Event('online'))`);
  const isPageOf = (sale: string) => (url: URL) => url.pathname === `/sales/${sale}`;
  /** This browser has a key of the sale, and no place. */
  const keyOf = (sale: string) => `localStorage['/sales/${sale}'] ??= '1.2.3'`;

  test('while fresh words of the page hang, a fan can join all the same', async () => {
    const { sale } = await busySale(shop, hall);
    const { page, context } = await visit(chrome, addressOf(sale));
    await context.route(isPageOf(sale), () => {});
    const hung = page.waitForRequest(addressOf(sale));
    await lookNow(page);
    await hung;
    await pressJoin(page);
    await shown(page, 'Position: 2');
  });

  test('a join that is pressed while a poll is under way is sent, and the answer to the poll does not undo it', async () => {
    const { sale } = await busySale(shop, hall);
    const { page, context } = await createVisitor(chrome, { init: keyOf(sale) });
    const held: Route[] = [];
    await context.route('**/queue/me*', (route) => void held.push(route), { times: 1 });
    await page.goto(addressOf(sale));
    await expect.poll(() => held).toHaveLength(1);
    await page.evaluate(`document.querySelector('form').requestSubmit()`);
    await shown(page, 'Position: 2');
    const late = page.waitForResponse((response) => response.status() === 401);
    await held[0]!.fulfill({ status: 401 });
    await late;
    const next = page.waitForResponse(/queue\/me/);
    await lookNow(page);
    await next;
    expect(await page.innerText('main')).toContain('Position: 2');
  });

  test('a browser whose place is gone looks for news like any other without one', async () => {
    const { sale } = await busySale(shop, hall);
    const { page } = await visit(chrome, addressOf(sale), { init: keyOf(sale) });
    await page.getByRole('button', { name: 'Join the queue' }).waitFor();
    await command(shop, sale, 'close');
    await expect
      .poll(
        async () => {
          await lookNow(page);
          return page.innerText('main');
        },
        { timeout: IN_EFFECT_MS_MAX },
      )
      .toContain('The sale has ended');
  });

  test('back online the page of whoever has no place says nothing of the network any more', async () => {
    const { sale } = await busySale(shop, hall);
    const { page, context } = await visit(chrome, addressOf(sale));
    await context.setOffline(true);
    await lookNow(page);
    await shown(page, locales.en.texts.shell.away);
    await context.setOffline(false);
    await lookNow(page);
    await expect
      .poll(() => page.innerText('main'), { timeout: AT_ONCE_MS_MAX })
      .not.toContain(locales.en.texts.shell.away);
  });

  test('with a full storage a fan joins, and without any finds the place again after a reload', async () => {
    const { sale } = await busySale(shop, hall);
    const { page: full, context } = await visit(chrome, addressOf(sale));
    await full.evaluate(`for (let text = 'x'.repeat(1 << 20), i = 0; text; i += 1)
      try { localStorage[i] = text; } catch { text = text.slice(0, text.length >> 1); }`);
    await pressJoin(full);
    await shown(full, 'Position: 2');
    await context.close();
    const init = `Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })`;
    const { page: without } = await waitingVisitor(chrome, shop, sale, { init });
    await without.reload();
    await shown(without, 'Position: 3');
  });

  test('a join that is asked to come later comes no sooner, and comes', async () => {
    const { sale } = await busySale(shop, hall);
    const { page, context } = await createVisitor(chrome);
    await page.clock.install();
    await page.goto(addressOf(sale));
    const refusal = { status: 429, headers: { 'retry-after': '60' } };
    await context.route('**/queue', (route) => route.fulfill(refusal), { times: 1 });
    const requests = requestsOf(page);
    const refused = page.waitForResponse((response) => response.status() === 429);
    await pressJoin(page);
    await refused;
    await shown(page, locales.en.texts.shell.away);
    await page.clock.runFor(55_000);
    expect(requests.filter((name) => name === 'queue')).toHaveLength(1);
    await page.clock.runFor(70_000);
    await shown(page, 'Position: 2');
  });

  test('whoever trusts the clock of an opening can join when it ends, before any new words', async () => {
    const opensAt = new Date(Date.now() + 600_000).toISOString();
    const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 60, opensAt });
    const { page, context } = await visit(chrome, addressOf(sale));
    await shown(page, '00:0');
    expect(await page.getByRole('button').count()).toBe(0);
    await context.route(isPageOf(sale), async (route) => {
      const response = await route.fetch();
      const date = new Date(Date.parse(opensAt) + 1_000).toUTCString();
      await route.fulfill({ response, headers: { ...response.headers(), date } });
    });
    await lookNow(page);
    await page.getByRole('button', { name: 'Join the queue' }).waitFor();
    await shown(page, '00:00:00');
  });

  test('what becomes of one fan is told at once, also while a cache has the words of before', async () => {
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    const times = { lobbyOpensAt: at(-1), opensAt: at(10) };
    const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 60, ...times });
    const { page, context } = await visit(chrome, addressOf(sale));
    const body = await (await context.request.get(addressOf(sale))).text();
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await page.getByRole('heading', { name: 'lobby' }).waitFor();
    await context.route(isPageOf(sale), (route) =>
      route.fulfill({ body, contentType: 'text/html; charset=UTF-8' }),
    );
    await page.evaluate(`fetch('/sales/${sale}/leave', { method: 'POST', body: new URLSearchParams() })`);
    await command(shop, sale, 'open');
    await page.waitForURL(/\/place$/);
    await shown(page, 'You left the queue');
  });

  test('a pause, its end and the end of the sale change the words of an open page without loading it again', async () => {
    const { sale } = await busySale(shop, hall);
    const { page } = await waitingVisitor(chrome, shop, sale);
    const requests = requestsOf(page);
    await command(shop, sale, 'pause');
    await shown(page, 'The organiser has paused entry');
    await command(shop, sale, 'resume');
    await expect.poll(() => page.innerText('main'), { timeout: IN_EFFECT_MS_MAX }).not.toContain('paused');
    expect(await page.innerText('main')).toContain('Position: 2');
    await command(shop, sale, 'close');
    await shown(page, 'The sale has ended');
    expect(await page.innerText('main')).not.toContain('seats left');
    expect(await page.innerText('main')).not.toMatch(/Position|Leave the queue|Updated/);
    expect(await page.title()).toMatch(/^The sale has ended/);
    expect(requests).not.toContain('page');
  });

  test.each([locales.de, locales.ar])(
    'what changes on an open page changes in its language: $language',
    async ({ language, direction, texts: { queue, shell } }) => {
      const { sale, next } = await busySale(shop, hall);
      const { page, context } = await visit(chrome, addressOf(sale), { locale: language });
      await page.getByRole('button', { name: queue.join }).click();
      await shown(page, shell.ahead.replace('{n}', '1'));
      const requests = requestsOf(page);
      await next.leave();
      await shown(page, shell.next);
      await shown(page, shell.waitUnknown);
      expect(await page.innerText('.position')).toBe(shell.position.replace('{n}', '1'));
      expect(await page.title()).toMatch(/^1 – /);
      await context.setOffline(true);
      await page.evaluate(`dispatchEvent(new Event('online'))`);
      await shown(page, shell.away);
      await context.setOffline(false);
      await command(shop, sale, 'pause');
      await shown(page, shell.paused);
      await command(shop, sale, 'close');
      await shown(page, queue.closed);
      expect(await page.title()).toMatch(new RegExp(`^${queue.closed} – `));
      expect(
        await page.evaluate(`[document.documentElement.lang, getComputedStyle(document.body).direction]`),
      ).toEqual([language, direction]);
      expect(requests).not.toContain('page');
    },
  );

  test('the opening of a lobby changes the words of the pages in it without loading them again', async () => {
    const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    const beacon = { name: 'Draw of the evening', rule: 'its six digits', from: at(20) };
    const sale = await openSale(shop, hall, {
      capacity: 1,
      admitPerMinute: 60,
      lobbyOpensAt: at(-1),
      opensAt: at(10),
      beacon,
    });
    const { page } = await visit(chrome, addressOf(sale));
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await shown(page, 'until the sale opens');
    const requests = requestsOf(page);
    await command(shop, sale, 'open');
    await shown(page, 'The order of the lobby is drawn as soon as');
    expect(await page.innerText('main')).not.toContain('until the sale opens');
    expect(requests).not.toContain('page');
  });

  test('a hidden tab closes its stream, keeps its title up to date by polls, and listens again when it is seen', async () => {
    const { sale, next } = await busySale(shop, hall);
    const { page } = await waitingVisitor(chrome, shop, sale, { init: hidable });
    const requests = requestsOf(page);
    const closed = page.waitForEvent('requestfailed', (request) => request.url().includes('/stream'));
    await page.evaluate(`become('hidden')`);
    await closed;
    await next.leave();
    await expect.poll(() => page.title(), { timeout: PAGE_MS_MAX }).toMatch(/^1 – /);
    expect(requests).not.toContain('stream');
    await page.evaluate(`become('visible')`);
    await expect.poll(() => requests, { timeout: AT_ONCE_MS_MAX }).toContain('stream');
  });

  test('two tabs that are both seen share one place, and both follow it', async () => {
    const { sale, next } = await busySale(shop, hall);
    const { page: first, context } = await waitingVisitor(chrome, shop, sale);
    const second = await openTab(context, addressOf(sale));
    await shown(second, 'Position: 2');
    await next.leave();
    for (const tab of [first, second]) await shown(tab, 'Position: 1');
    expect(await numberOf(second)).toBe(3);
  });

  test('six tabs of two sales in the background leave room for a seventh', async () => {
    const sales = await Promise.all([busySale(shop, hall), busySale(shop, hall)]);
    const { page, context } = await createVisitor(chrome, { init: alwaysHidden });
    for (const [i, { sale }] of sales.entries()) {
      await joinAndWait(i === 0 ? page : await context.newPage(), shop, sale);
      await openTab(context, addressOf(sale));
      await openTab(context, addressOf(sale));
    }
    const seventh = await openTab(context, addressOf(sales[0]!.sale));
    await shown(seventh, 'Position: 2');
  });

  test('while Redis is away the page says that the place is kept, not where, and recovers, loaded meanwhile or before', async () => {
    const { sale } = await busySale(shop, hall);
    const { page: before, context } = await waitingVisitor(chrome, shop, sale);
    await redis.kill();
    await shown(before, '"Your place is kept"');
    expect(await before.innerText('main')).not.toContain('Position');
    const meanwhile = await openTab(context, addressOf(sale));
    await shown(meanwhile, '"Your place is kept"');
    await redis.start();
    for (const page of [before, meanwhile]) {
      await shown(page, 'Position: 2');
      await expect.poll(() => page.innerText('main')).not.toContain('Your place is kept');
    }
  }, 60_000);

  test('when the gateway dies the page says so and that the place is safe, and finds its way back', async () => {
    const { sale } = await busySale(shop, hall);
    const { page } = await waitingVisitor(chrome, shop, sale);
    await shop.kill('gateway-1');
    await shown(page, '"Your place is kept"');
    await shop.restart('gateway-1');
    await expect
      .poll(() => page.innerText('main'), { timeout: PAGE_MS_MAX })
      .not.toContain('Your place is kept');
    expect(await page.innerText('main')).toContain('Position: 2');
  }, 60_000);
});
