import type { Browser, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { busySale, freeSale } from '../company.ts';
import { ask, bearer } from '../http.ts';
import { fillInBuyer, joinOnPage } from '../on-pages.ts';
import { openSale } from '../organise.ts';
import { createVisitor, hidable, PAGE_MS_MAX } from '../visitor.ts';

const HOUR_MS = 3_600_000;
const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];
/** 400 ms there and back, 50 KB a second: a phone at the edge of its network. */
const slowNetwork = {
  ...{ offline: false, latency: 400 },
  ...{ downloadThroughput: 50 * 1024, uploadThroughput: 50 * 1024 },
};
/** Sooner than a page asks that knows its stream to live (40 s). */
const AT_ONCE_MS_MAX = 5_000;
/** The page's stream, and what it said last. */
const streamsInReach = `{
  const True = EventSource;
  window.EventSource = class extends True {
    constructor(...parts) {
      super(...parts);
      window.openedStream = this;
      this.addEventListener('message', ({ data }) => { window.lastFrame = data; });
    }
  };
}`;
/** A clock that goes right and stands wrong. */
const clockAheadBy = (ms: number) => `{
  const True = Date;
  window.Date = class extends True {
    constructor(...parts) {
      if (parts.length > 0) super(...parts);
      else super(True.now() + ${ms});
    }
    static now() {
      return True.now() + ${ms};
    }
  };
}`;

describe.skipIf(!chromePath)('in real life', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const url = (path: string) => `${shop.gatewayUrls[0]}${path}`;
  const stats = async (sale: string) => {
    const headers = bearer(shop.organiserKey);
    return (await ask<StatsAnswer>('GET', url(`/api/organiser/sales/${sale}/stats`), { headers })).body;
  };
  /** So many places were ever given, seats held and tickets sold. */
  const counted = async (sale: string) => {
    const { joined, seats } = await stats(sale);
    return { joined, held: seats?.held, sold: seats?.sold };
  };
  const expectCounted = (sale: string, counts: Awaited<ReturnType<typeof counted>>) =>
    expect.poll(() => counted(sale), { timeout: PAGE_MS_MAX }).toEqual(counts);

  const said = (page: Page, text: string) => page.waitForSelector(`text=${text}`, { state: 'visible' });
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();
  const position = (page: Page) => page.innerText('.position');

  test('back after joining, after holding and after paying shows what is so, and does nothing twice', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page, faults } = await createVisitor(chrome);
    await joinOnPage(page, shop, sale);
    await said(page, 'Position: 2');
    await page.goto(url('/'));
    await page.goBack();
    await said(page, 'Position: 2');
    await expectCounted(sale, { joined: 3, held: 0, sold: 0 });

    await next.leave();
    await inside.leave();
    await page.waitForURL(/\/seats$/);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    await page.goBack();
    // Wherever that led, the seats are one step away, and still held.
    if (!/\/seats$/.test(page.url())) await press(page, 'Go to the seats');
    await said(page, 'Held for you');
    await expectCounted(sale, { joined: 3, held: 1, sold: 0 });

    await fillInBuyer(page);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    const order = page.url();
    await page.goBack();
    await said(page, 'You have finished');
    await page.getByRole('link', { name: /^Order / }).click();
    expect(page.url()).toBe(order);
    await expectCounted(sale, { joined: 3, held: 0, sold: 1 });
    expect(faults).toEqual([]);
  });

  test('two tabs go together from the queue to one purchase', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page, context, faults } = await createVisitor(chrome, { init: hidable });
    const other = await context.newPage();
    await joinOnPage(page, shop, sale);
    await other.goto(url(`/sales/${sale}`));
    for (const tab of [page, other]) await said(tab, 'Position: 2');
    await next.leave();
    for (const tab of [page, other]) await said(tab, 'Position: 1');
    await inside.leave();
    // Both are looked at: whichever claims the turn, both are in, or one press away.
    for (const tab of [page, other]) {
      await tab.locator('[data-shop], button:text("Go to the seats")').first().waitFor();
      if (!/\/seats$/.test(tab.url())) await press(tab, 'Go to the seats');
      await tab.waitForURL(/\/seats$/);
    }
    await press(page, 'Hold the best seats');
    for (const tab of [page, other]) await said(tab, 'Held for you');
    for (const tab of [page, other]) await fillInBuyer(tab);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    await press(other, /^Pay /);
    await said(other, 'Your tickets');
    expect(other.url()).toBe(page.url());
    await expectCounted(sale, { joined: 3, held: 0, sold: 1 });
    expect(faults).toEqual([]);
  });

  test('a tab with a basket that was paid in another one says so when it is looked at', async () => {
    const sale = await freeSale(shop, hall);
    const { page, context } = await createVisitor(chrome, { init: hidable });
    await joinOnPage(page, shop, sale);
    await page.waitForURL(/\/seats$/);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    const other = await context.newPage();
    await other.goto(page.url());
    await said(other, 'Held for you');
    await other.evaluate(`become('hidden')`);
    await fillInBuyer(page);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    await other.evaluate(`become('visible')`);
    await said(other, 'You have finished');
  });

  test('on a slow network a fan gets through, and asks for nothing that is still on its way', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page, context, faults } = await createVisitor(chrome);
    // Without a stream the page asks by itself.
    await context.route('**/queue/stream*', (route) => route.fulfill({ status: 503 }));
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', slowNetwork);
    const underWay = new Set<unknown>();
    let [atOnce, polls] = [0, 0];
    page.on('request', (request) => {
      if (!/queue\/me/.test(request.url())) return;
      underWay.add(request);
      polls += 1;
      atOnce = Math.max(atOnce, underWay.size);
    });
    page.on('requestfinished', (request) => underWay.delete(request));
    page.on('requestfailed', (request) => underWay.delete(request));
    await joinOnPage(page, shop, sale);
    await said(page, 'Position: 2');
    await next.leave();
    await said(page, 'Position: 1');
    // A hasty fan, or a browser that says so many times that it is back, makes no second question.
    await page.evaluate(`for (let i = 0; i < 20; i += 1) dispatchEvent(new Event('online'))`);
    await inside.leave();
    await page.waitForURL(/\/seats$/);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    await fillInBuyer(page);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    expect({ atOnce, asked: polls > 0 }).toEqual({ atOnce: 1, asked: true });
    expect(faults.filter((fault) => !/503/.test(fault))).toEqual([]);
  }, 60_000);

  test('back online, and back from sleep, the page looks at once and shows the right position', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page, context } = await createVisitor(chrome, { init: hidable });
    await joinOnPage(page, shop, sale);
    await said(page, 'Position: 2');
    await context.setOffline(true);
    await page.evaluate(`dispatchEvent(new Event('online'))`);
    await said(page, 'We keep trying to reach the queue');
    await said(page, 'Your place is kept');
    await next.leave();
    expect(await position(page)).toBe('Position: 2');
    const first = page.waitForRequest(/queue\/me/);
    await context.setOffline(false);
    await first;
    await said(page, 'Position: 1');
    await expect.poll(() => page.innerText('main')).not.toContain('keep trying');

    // A phone that sleeps: nothing of the page runs, and nothing is lost.
    const session = await context.newCDPSession(page);
    await page.evaluate(`become('hidden')`);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    await inside.leave();
    const turns = async () => {
      const { ready, admitted } = await stats(sale);
      return ready + admitted;
    };
    await expect.poll(turns, { timeout: PAGE_MS_MAX }).toBe(1);
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    // It may have gone on already.
    await page.evaluate(`become('visible')`).catch((error: Error) => {
      expect(error.message).toContain('navigation');
    });
    await page.waitForURL(/\/seats$/);
  });

  test.each(['', '/place'])(
    'what the stream still had on the way is no answer to a page that is back online: %j',
    async (below) => {
      const { sale, next } = await busySale(shop, hall);
      const { page } = await createVisitor(chrome, { init: streamsInReach });
      await joinOnPage(page, shop, sale);
      await said(page, 'Position: 2');
      await page.goto(url(`/sales/${sale}${below}`));
      await said(page, 'Position: 2');
      await page.waitForFunction('window.openedStream?.readyState === EventSource.OPEN');
      await next.leave();
      await page.waitForFunction('window.lastFrame !== undefined');
      const asked = page.waitForRequest(/queue\/me/, { timeout: AT_ONCE_MS_MAX });
      await page.evaluate(`dispatchEvent(new Event('online')); openedStream.onmessage({ data: lastFrame })`);
      await asked;
    },
  );

  test('a restart of the whole shop in the middle of shopping leaves the basket as it was', async () => {
    const sale = await freeSale(shop, hall);
    const { page } = await createVisitor(chrome);
    await joinOnPage(page, shop, sale);
    await page.waitForURL(/\/seats$/);
    await page.getByLabel('Row 2, seat 7', { exact: true }).check();
    await press(page, 'Hold these seats');
    await said(page, 'Held for you');
    await fillInBuyer(page);
    await Promise.all([shop.kill('gateway-1'), shop.kill('booking'), shop.kill('worker')]);
    await Promise.all([shop.restart('gateway-1'), shop.restart('booking'), shop.restart('worker')]);
    // What was typed is still there too: the page has not moved.
    expect(await page.inputValue('#name')).toBe('Ada');
    const second = await page.context().newPage();
    await second.goto(page.url());
    await said(second, 'Section A, row 2, seat 7');
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    await expectCounted(sale, { joined: 1, held: 0, sold: 1 });
  }, 60_000);

  test.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('a phone whose clock is an hour %s counts by the server’s', async (_, ms) => {
    const { page } = await createVisitor(chrome, { init: clockAheadBy(ms) });
    const left = async (selector: string) => {
      const clock = /^(?:(\d+):)?(\d+):(\d+)$/;
      // It says nothing before it knows the server's time.
      await expect.poll(() => page.innerText(selector)).toMatch(clock);
      const [, hours = '0', minutes, seconds] = clock.exec(await page.innerText(selector)) ?? [];
      return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
    };
    const expectLeft = async (selector: string, most: number) => {
      const seconds = await left(selector);
      expect(seconds).toBeLessThanOrEqual(most);
      expect(seconds).toBeGreaterThan(most - 30);
    };
    const opensAt = (in_ms: number) => new Date(Date.now() + in_ms).toISOString();
    const later = await openSale(shop, hall, {
      ...{ capacity: 1, admitPerMinute: 60, opensAt: opensAt(HOUR_MS / 2) },
    });
    await page.goto(url(`/sales/${later}`));
    await expectLeft('[data-until]', 1_800);
    // The countdown ends when the sale opens, and the page goes on by itself.
    const soon = await openSale(shop, hall, {
      ...{
        capacity: 1,
        admitPerMinute: 6_000,
        admissionSeconds: 500,
        holdSeconds: 200,
        opensAt: opensAt(8_000),
      },
    });
    await page.goto(url(`/sales/${soon}`));
    expect(await page.getByRole('button', { name: 'Join the queue' }).count()).toBe(0);
    await press(page, 'Join the queue');
    await page.waitForURL(/\/seats$/);
    await expectLeft('[data-says="shopping-warning"]', 500);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    await expectLeft('[data-says^="hold-warning"]', 200);
  });

  test('who wants less motion gets none, on every page of the way', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page } = await createVisitor(chrome, { reducedMotion: 'reduce' });
    const moving = () =>
      page.evaluate(`[...document.querySelectorAll('*')].filter((element) => {
        const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
        return animationName !== 'none' || /[1-9]/.test(transitionDuration) || scrollBehavior !== 'auto';
      }).map(({ outerHTML }) => outerHTML.slice(0, 80))`);
    await joinOnPage(page, shop, sale);
    await said(page, 'Position: 2');
    expect(await moving()).toEqual([]);
    await next.leave();
    await inside.leave();
    await page.waitForURL(/\/seats$/);
    expect(await moving()).toEqual([]);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    expect(await moving()).toEqual([]);
    await fillInBuyer(page);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    expect(await moving()).toEqual([]);
  });

  test('a screen reader hears each page in order: headings without a gap, the position as one sentence, and no ticking', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page } = await createVisitor(chrome);
    /** The levels of the headings that are heard, in order; the first is the page’s own, and none is left out. */
    const expectOutline = async () => {
      const snapshot = await page.locator('body').ariaSnapshot();
      const levels = [...snapshot.matchAll(/- heading .*\[level=(\d)\]/g)].map(([, level]) => Number(level));
      expect(levels.filter((level) => level === 1)).toHaveLength(1);
      expect(levels[0]).toBe(1);
      for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
      return snapshot;
    };
    await joinOnPage(page, shop, sale);
    await said(page, 'Position: 2');
    const queue = await expectOutline();
    expect(queue).toMatch(/- paragraph: "?Position: 2"?\n/);
    expect(queue).toMatch(/- paragraph: 1 ahead of you\n/);
    // First where the fan stands, then what can be done about it.
    expect(queue.indexOf('Position: 2')).toBeLessThan(queue.indexOf('leave the queue'));
    const live = (selector: string) =>
      page.evaluate(
        `document.querySelector('${selector}').closest('[role=status], [role=alert], [aria-live]') !== null`,
      );
    expect(await live('.position')).toBe(false);
    expect(await page.locator('[aria-live="assertive"], [role=alert]').count()).toBe(0);
    expect(await page.locator('[role=status], [aria-live="polite"]').count()).toBeGreaterThan(0);

    await next.leave();
    await inside.leave();
    await page.waitForURL(/\/seats$/);
    await expectOutline();
    // The clock ticks silently; its warnings are said.
    expect(await live('[data-says="shopping-warning"]')).toBe(false);
    expect(await live('#shopping-warning')).toBe(true);
    await press(page, 'Hold the best seats');
    await said(page, 'Held for you');
    await expectOutline();
    await fillInBuyer(page);
    await press(page, /^Pay /);
    await said(page, 'Your tickets');
    await expectOutline();
  });
});
