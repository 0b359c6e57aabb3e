import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { locales } from '../../../gateway/pages/locale.ts';
import { chromePath, launchChrome } from '../../testing/chrome.ts';
import { type OwnRedis, ownRedis } from '../../testing/redis-server.ts';
import { type Shop, startShop } from '../../testing/shop.ts';
import { createFan } from '../fan.ts';
import { ask, bearer } from '../http.ts';
import { openSale } from '../organise.ts';

const PAGE_MS_MAX = 15_000;
const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];

/** A headless browser never hides a tab: the page is told that it is hidden, as a browser would. */
const hidable = `
  let state = 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => state });
  Object.defineProperty(document, 'hidden', { get: () => state === 'hidden' });
  window.become = (next) => {
    state = next;
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  };`;
const alwaysHidden = `
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  Object.defineProperty(document, 'hidden', { get: () => true });`;

describe.skipIf(!chromePath)('the queue page in a real browser', () => {
  let redis: OwnRedis;
  let shop: Shop;
  let chrome: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    redis = await ownRedis();
    [shop, chrome] = await Promise.all([startShop({ env: { REDIS_URL: redis.url } }), launchChrome()]);
  });
  afterAll(async () => {
    await chrome?.close();
    await shop?.stop();
    await redis?.stop();
  });

  afterEach(() => context?.close());

  const addressOf = (sale: string) => `${shop.gatewayUrls[0]}/sales/${sale}`;

  /** A shop for one, with somebody in it and somebody waiting. */
  async function busySale(settings: Record<string, unknown> = {}) {
    const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 6_000, ...settings });
    const [inside, next] = ['inside', 'next'].map((key) =>
      createFan(shop.gatewayUrls, sale, key, Date.now() + 60_000, { accessCode: key }),
    );
    await inside!.join();
    await inside!.queueUp();
    await next!.join();
    return { sale, next: next! };
  }

  async function browse(script = '', locale = 'en-GB') {
    context = await chrome.newContext({ viewport: { width: 390, height: 844 }, locale });
    context.setDefaultTimeout(PAGE_MS_MAX);
    if (script) await context.addInitScript(script);
  }

  async function open(sale: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(addressOf(sale));
    return page;
  }

  const join = (page: Page) => page.getByRole('button', { name: 'Join the queue' }).click();

  async function joined(sale: string): Promise<Page> {
    const page = await open(sale);
    await join(page);
    await page.waitForSelector('text=Position: ');
    return page;
  }

  const numberOf = (page: Page) =>
    page.evaluate(
      `fetch('/api/sales/' + location.pathname.split('/')[2] + '/queue/me').then((answer) => answer.json()).then((status) => status.queueNumber)`,
    );

  const organise = (sale: string, command: string) =>
    ask('POST', `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}/${command}`, {
      headers: bearer(shop.organiserKey),
      json: {},
    });

  const organiseCapacity = async (sale: string, capacity: number) => {
    const url = `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}`;
    const headers = bearer(shop.organiserKey);
    const { body } = await ask<{ version: number }>('GET', url, { headers });
    await ask('PATCH', url, { headers, json: { version: body.version, capacity } });
  };

  /** What a page asks for from now on, by the last part of the address; loading a page is `page`. */
  function requestsOf(page: Page): string[] {
    const seen: string[] = [];
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      seen.push(request.isNavigationRequest() ? 'page' : pathname.slice(pathname.lastIndexOf('/') + 1));
    });
    return seen;
  }

  const shown = (page: Page, text: string) => page.waitForSelector(`text=${text}`, { state: 'visible' });

  /** Passes a form on as its tab would send it, and loses the answer; resolves to its status. */
  async function loseAnswer(route: Route): Promise<number> {
    const request = route.request();
    const all = await request.allHeaders();
    const names = ['cookie', 'origin', 'content-type', 'idempotency-key'];
    const headers = Object.fromEntries(names.flatMap((name) => (all[name] ? [[name, all[name]]] : [])));
    const answer = await fetch(request.url(), {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: request.postData(),
    });
    await route.abort('connectionreset');
    return answer.status;
  }

  test('two fresh tabs that lose the answers to their joins have one place, though the code is good for one only', async () => {
    const { sale } = await busySale({ accessCodes: ['inside', 'next', 'mine'] });
    await browse();
    const tabs = await Promise.all([open(`${sale}/place`), open(`${sale}/place`)]);
    const enter = async (page: Page) => {
      await page.getByLabel('Your access code').fill('mine');
      await join(page);
    };
    const answers: Promise<number>[] = [];
    await context.route('**/join', (route) => void answers.push(loseAnswer(route)));
    for (const tab of tabs) await enter(tab).catch(() => {});
    await expect.poll(() => answers.length).toBe(2);
    expect(await Promise.all(answers)).toEqual([303, 303]);
    await context.unroute('**/join');
    const [page] = tabs as [Page, Page];
    await page.goto(addressOf(`${sale}/place`));
    await enter(page);
    await shown(page, 'Position: 2');
    expect(await numberOf(page)).toBe(3);
  });

  const lookNow = (page: Page) => page.evaluate(`dispatchEvent(new Event('online'))`);
  const isPageOf = (sale: string) => (url: URL) => url.pathname === `/sales/${sale}`;
  /** This browser has a key of the sale, and no place. */
  const keyOf = (sale: string) => `localStorage['/sales/${sale}'] ??= '1.2.3'`;

  test('a fan whose first join lost its answer has one place, whichever of the two pages asks again', async () => {
    const { sale } = await busySale();
    for (const [first, second, route, number] of [
      [`${sale}/place`, sale, '**/join', 3],
      [sale, `${sale}/place`, '**/queue', 5],
    ] as const) {
      await browse();
      const page = await open(first);
      const answers: number[] = [];
      await context.route(route, async (asked) => void answers.push(await loseAnswer(asked)));
      await join(page).catch(() => {});
      await expect.poll(() => answers).toHaveLength(1);
      expect(answers[0]).toBeLessThan(400);
      await createFan(shop.gatewayUrls, sale, `behind-${number}`, Date.now() + 60_000).join();
      await context.unrouteAll();
      await page.goto(addressOf(second));
      await join(page);
      await shown(page, 'Position: ');
      expect(await numberOf(page)).toBe(number);
      await context.close();
    }
  });

  test('while fresh words of the page hang, a fan can join all the same', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await open(sale);
    await context.route(isPageOf(sale), () => {});
    const hung = page.waitForRequest(addressOf(sale));
    await lookNow(page);
    await hung;
    await join(page);
    await shown(page, 'Position: 2');
  });

  test('a join that is pressed while a poll is under way is sent, and the answer to the poll does not undo it', async () => {
    const { sale } = await busySale();
    await browse(keyOf(sale));
    const held: Route[] = [];
    await context.route('**/queue/me*', (route) => void held.push(route), { times: 1 });
    const page = await open(sale);
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
    const { sale } = await busySale();
    await browse(keyOf(sale));
    const page = await open(sale);
    await page.getByRole('button', { name: 'Join the queue' }).waitFor();
    await organise(sale, 'close');
    await expect
      .poll(async () => {
        await lookNow(page);
        return page.innerText('main');
      })
      .toContain('The sale has ended');
  });

  test('back online the page of whoever has no place says nothing of the network any more', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await open(sale);
    await context.setOffline(true);
    await lookNow(page);
    await shown(page, locales.en.texts.shell.away);
    await context.setOffline(false);
    await lookNow(page);
    await expect.poll(() => page.innerText('main')).not.toContain(locales.en.texts.shell.away);
  });

  test('with a full storage a fan joins, and without any finds the place again after a reload', async () => {
    const { sale } = await busySale();
    await browse();
    const full = await open(sale);
    await full.evaluate(`for (let text = 'x'.repeat(1 << 20), i = 0; text; i += 1)
      try { localStorage[i] = text; } catch { text = text.slice(0, text.length >> 1); }`);
    await join(full);
    await shown(full, 'Position: 2');
    await context.close();
    await browse(`Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })`);
    const without = await joined(sale);
    await without.reload();
    await shown(without, 'Position: 3');
  });

  test('a join that is asked to come later comes no sooner, and comes', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await context.newPage();
    await page.clock.install();
    await page.goto(addressOf(sale));
    const refusal = { status: 429, headers: { 'retry-after': '60' } };
    await context.route('**/queue', (route) => route.fulfill(refusal), { times: 1 });
    const requests = requestsOf(page);
    const refused = page.waitForResponse((response) => response.status() === 429);
    await join(page);
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
    await browse();
    const page = await open(sale);
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
    await browse();
    const page = await open(sale);
    const body = await (await context.request.get(addressOf(sale))).text();
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await page.getByRole('heading', { name: 'lobby' }).waitFor();
    await context.route(isPageOf(sale), (route) =>
      route.fulfill({ body, contentType: 'text/html; charset=UTF-8' }),
    );
    await page.evaluate(`fetch('/sales/${sale}/leave', { method: 'POST', body: new URLSearchParams() })`);
    await organise(sale, 'open');
    await page.waitForURL(/\/place$/);
    await shown(page, 'You left the queue');
  });

  test('whoever left joins again at the end, with a second tab that never heard of it', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await joined(sale);
    await page.getByRole('link', { name: 'leave the queue' }).click();
    await page.waitForURL(/\/place$/);
    await page.getByText('Leave the queue').click();
    await page.getByRole('button', { name: 'Yes, leave' }).click();
    await shown(page, 'You left the queue');
    const other = await open(sale);
    await shown(other, 'You left the queue');
    for (const tab of [page, other]) {
      await tab.getByRole('button', { name: 'Join again' }).click();
      await shown(tab, 'Position: 2');
      expect(await numberOf(tab)).toBe(4);
    }
  });

  test('a pause, its end and the end of the sale change the words of an open page without loading it again', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await joined(sale);
    const requests = requestsOf(page);
    await organise(sale, 'pause');
    await shown(page, 'The organiser has paused entry');
    await organise(sale, 'resume');
    await expect.poll(() => page.innerText('main')).not.toContain('paused');
    expect(await page.innerText('main')).toContain('Position: 2');
    await organise(sale, 'close');
    await shown(page, 'The sale has ended');
    expect(await page.innerText('main')).not.toContain('seats left');
    expect(await page.innerText('main')).not.toMatch(/Position|Leave the queue|Updated/);
    expect(await page.title()).toMatch(/^The sale has ended/);
    expect(requests).not.toContain('page');
  });

  test.each([locales.de, locales.ar])(
    'what changes on an open page changes in its language: $language',
    async ({ language, direction, texts: { queue, shell } }) => {
      const { sale, next } = await busySale();
      await browse('', language);
      const page = await open(sale);
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
      await organise(sale, 'pause');
      await shown(page, shell.paused);
      await organise(sale, 'close');
      await shown(page, queue.closed);
      expect(await page.title()).toMatch(new RegExp(`^${queue.closed} – `));
      expect(
        await page.evaluate(`[document.documentElement.lang, getComputedStyle(document.body).direction]`),
      ).toEqual([language, direction]);
      expect(requests).not.toContain('page');
    },
  );

  test('a language chosen among the concerts stays chosen up to the access code, whatever the browser’s own is', async () => {
    const { sale } = await busySale({ accessCodes: ['inside', 'next', 'mine'] });
    await browse('', 'de');
    const page = await context.newPage();
    await page.goto(`${shop.gatewayUrls[0]}/?lang=ar`);
    const { queue } = locales.ar.texts;
    const { body } = await ask<SaleAnswer>('GET', `${shop.gatewayUrls[0]}/api/sales/${sale}`, {});
    await page.locator(`a[href^="/events/${body.event.event}"]`).click();
    await page.locator(`a[href^="/sales/${sale}"]`).click();
    await page.getByRole('link', { name: queue.join }).click();
    await page.waitForURL('**/place**');
    expect(await page.evaluate('document.documentElement.lang')).toBe('ar');
    await page.locator('input[name="accessCode"]').fill('mine');
    await page.getByRole('button', { name: queue.join }).click();
    await page.waitForFunction("document.title.startsWith('2 – ')");
    expect(await page.evaluate('document.documentElement.lang')).toBe('ar');
  });

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
    await browse();
    const page = await open(sale);
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await shown(page, 'until the sale opens');
    const requests = requestsOf(page);
    await organise(sale, 'open');
    await shown(page, 'The order of the lobby is drawn as soon as');
    expect(await page.innerText('main')).not.toContain('until the sale opens');
    expect(requests).not.toContain('page');
  });

  test('a hidden tab closes its stream, keeps its title up to date by polls, and listens again when it is seen', async () => {
    const { sale, next } = await busySale();
    await browse(hidable);
    const page = await joined(sale);
    const requests = requestsOf(page);
    const closed = page.waitForEvent('requestfailed', (request) => request.url().includes('/stream'));
    await page.evaluate(`become('hidden')`);
    await closed;
    await next.leave();
    await expect.poll(() => page.title(), { timeout: PAGE_MS_MAX }).toMatch(/^1 – /);
    expect(requests).not.toContain('stream');
    await page.evaluate(`become('visible')`);
    await expect.poll(() => requests).toContain('stream');
  });

  test('a fan is called at the turn in a hidden tab, by a tone and a notification, if asked for and not before', async () => {
    const { sale, next } = await busySale();
    await browse(`${hidable}
      const told = (what) => { localStorage.told = (localStorage.told ?? '') + what + ';'; };
      window.AudioContext = class extends AudioContext { constructor() { super(); told('audio'); } };
      window.OscillatorNode = class extends OscillatorNode { start() { super.start(); told('tone'); } };
      window.Notification = class {
        static permission = 'granted';
        static requestPermission = async () => { told('permission'); return 'granted'; };
        constructor(title) { told(title); }
      };`);
    const page = await joined(sale);
    const told = () => page.evaluate('localStorage.told');
    await page.goto(addressOf(`${sale}/place`));
    const button = page.getByRole('button', { name: 'Call me at my turn' });
    await button.waitFor();
    expect(await told()).toBeUndefined();
    await button.click();
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    expect(await told()).toBe('audio;permission;');
    await page.evaluate(`become('hidden')`);
    await next.leave();
    await organiseCapacity(sale, 2);
    await expect.poll(told, { timeout: PAGE_MS_MAX }).toBe('audio;permission;tone;It is your turn;');
  });

  test('once a minute the page of the own place says why the position changed, in a voice of its own', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await joined(sale);
    await page.route('**/queue/stream*', (route) => route.abort());
    const told = [
      { seconds: 0, position: 2, admittedPerMinute: 1 },
      { seconds: 61, position: 1, admittedPerMinute: 0 },
      { seconds: 122, position: 1, admittedPerMinute: 0 },
    ];
    let next = 0;
    await page.route('**/queue/me*', async (route) => {
      const response = await route.fetch();
      const status = (await response.json()) as { asOf: string };
      const { seconds, ...changed } = told[Math.min(next, told.length - 1)] as (typeof told)[number];
      const asOf = new Date(Date.parse(status.asOf) + seconds * 1_000).toISOString();
      await route.fulfill({ response, json: { ...status, ...changed, asOf, pollAfterMs: 200 } });
    });
    await page.goto(`${addressOf(sale)}/place`);
    const said = page.locator('[role=status]', { hasText: 'minute' });
    await page.waitForResponse(/queue\/me/);
    expect(await said.count()).toBe(0);
    next = 1;
    await expect
      .poll(() => said.allInnerTexts(), { timeout: PAGE_MS_MAX })
      .toEqual(['In the last minute you moved up by 1. Let in: about 0; gone: about 1.']);
    next = 2;
    await expect
      .poll(() => said.allInnerTexts(), { timeout: PAGE_MS_MAX })
      .toEqual(['You have not moved in the last minute.']);
  });

  test('two tabs that are both seen share one place, and both follow it', async () => {
    const { sale, next } = await busySale();
    await browse();
    const first = await joined(sale);
    const second = await open(sale);
    await shown(second, 'Position: 2');
    await next.leave();
    for (const tab of [first, second]) await shown(tab, 'Position: 1');
    expect(await numberOf(second)).toBe(3);
  });

  test('six tabs of two sales in the background leave room for a seventh', async () => {
    const sales = await Promise.all([busySale(), busySale()]);
    await browse(alwaysHidden);
    for (const { sale } of sales) {
      await joined(sale);
      await open(sale);
      await open(sale);
    }
    const seventh = await open(sales[0]!.sale);
    await shown(seventh, 'Position: 2');
  });

  test('while Redis is away the page says that the place is kept, not where, and recovers, loaded meanwhile or before', async () => {
    const { sale } = await busySale();
    await browse();
    const before = await joined(sale);
    await redis.kill();
    await shown(before, '"Your place is kept"');
    expect(await before.innerText('main')).not.toContain('Position');
    const meanwhile = await open(sale);
    await shown(meanwhile, '"Your place is kept"');
    await redis.start();
    for (const page of [before, meanwhile]) {
      await shown(page, 'Position: 2');
      await expect.poll(() => page.innerText('main')).not.toContain('Your place is kept');
    }
  }, 60_000);

  test('when the gateway dies the page says so and that the place is safe, and finds its way back', async () => {
    const { sale } = await busySale();
    await browse();
    const page = await joined(sale);
    await shop.kill('gateway-1');
    await shown(page, '"Your place is kept"');
    await shop.restart('gateway-1');
    await expect
      .poll(() => page.innerText('main'), { timeout: PAGE_MS_MAX })
      .not.toContain('Your place is kept');
    expect(await page.innerText('main')).toContain('Position: 2');
  }, 60_000);
});
