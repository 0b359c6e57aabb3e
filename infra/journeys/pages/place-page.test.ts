import type { Browser, Page, Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { locales } from '../../../gateway/pages/locale.ts';
import { until } from '../../local/processes.mjs';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { BUSY_CODES, busySale, fansOf } from '../company.ts';
import { ask, bearer } from '../http.ts';
import { numberOf, pressJoin, waitingVisitor } from '../on-pages.ts';
import { createVisitor, hidable, openTab, PAGE_MS_MAX, visit } from '../visitor.ts';

const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];

describe.skipIf(!chromePath)('the page of the own place in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const addressOf = (path: string) => `${shop.gatewayUrls[0]}/sales/${path}`;
  const shown = (page: Page, text: string) => page.waitForSelector(`text=${text}`, { state: 'visible' });

  const organiseCapacity = async (sale: string, capacity: number) => {
    const url = `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}`;
    const headers = bearer(shop.organiserKey);
    const { body } = await ask<{ version: number }>('GET', url, { headers });
    await ask('PATCH', url, { headers, json: { version: body.version, capacity } });
  };

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
    const { sale } = await busySale(shop, hall, { accessCodes: [...BUSY_CODES, 'mine'] });
    const { context } = await createVisitor(chrome);
    const tabs = await Promise.all([
      openTab(context, addressOf(`${sale}/place`)),
      openTab(context, addressOf(`${sale}/place`)),
    ]);
    const enter = async (page: Page) => {
      await page.getByLabel('Your access code').fill('mine');
      await pressJoin(page);
    };
    const answers: Promise<number>[] = [];
    await context.route('**/join', (route) => void answers.push(loseAnswer(route)));
    for (const tab of tabs) await enter(tab).catch(() => {});
    await expect.poll(() => answers.length).toBe(2);
    expect(await Promise.all(answers)).toEqual([303, 303]);
    await context.unroute('**/join');
    const [page] = tabs;
    await page.goto(addressOf(`${sale}/place`));
    await enter(page);
    await shown(page, 'Position: 2');
    expect(await numberOf(page)).toBe(3);
  });

  test('a fan whose first join lost its answer has one place, whichever of the two pages asks again', async () => {
    const { sale } = await busySale(shop, hall);
    for (const [first, second, route, number] of [
      [`${sale}/place`, sale, '**/join', 3],
      [sale, `${sale}/place`, '**/queue', 5],
    ] as const) {
      const { page, context } = await visit(chrome, addressOf(first));
      const answers: number[] = [];
      await context.route(route, async (asked) => void answers.push(await loseAnswer(asked)));
      await pressJoin(page).catch(() => {});
      await expect.poll(() => answers).toHaveLength(1);
      expect(answers[0]).toBeLessThan(400);
      await fansOf(shop, sale, `behind-${number}`, 1)[0]!.join();
      await context.unrouteAll();
      await page.goto(addressOf(second));
      await pressJoin(page);
      await shown(page, 'Position: ');
      expect(await numberOf(page)).toBe(number);
      await context.close();
    }
  });

  test('whoever left joins again at the end, with a second tab that never heard of it', async () => {
    const { sale } = await busySale(shop, hall);
    const { page, context } = await waitingVisitor(chrome, shop, sale);
    await page.getByRole('link', { name: 'leave the queue' }).click();
    await page.waitForURL(/\/place$/);
    await page.getByText('Leave the queue').click();
    await page.getByRole('button', { name: 'Yes, leave' }).click();
    await shown(page, 'You left the queue');
    const other = await openTab(context, addressOf(sale));
    await shown(other, 'You left the queue');
    for (const tab of [page, other]) {
      await tab.getByRole('button', { name: 'Join again' }).click();
      await shown(tab, 'Position: 2');
      expect(await numberOf(tab)).toBe(4);
    }
  });

  test('a language chosen among the concerts stays chosen up to the access code, whatever the browser’s own is', async () => {
    const { sale } = await busySale(shop, hall, { accessCodes: [...BUSY_CODES, 'mine'] });
    const { page } = await createVisitor(chrome, { locale: 'de' });
    const { queue } = locales.ar.texts;
    const { body } = await ask<SaleAnswer>('GET', `${shop.gatewayUrls[0]}/api/sales/${sale}`, {});
    const concert = page.locator(`a[href^="/events/${body.event.event}"]`);
    // A concert comes into the list a moment after its sale.
    const isListed = async () => {
      await page.goto(`${shop.gatewayUrls[0]}/?lang=ar`);
      return (await concert.count()) > 0;
    };
    expect(await until(isListed, PAGE_MS_MAX)).toBe(true);
    await concert.click();
    await page.locator(`a[href^="/sales/${sale}"]`).click();
    await page.getByRole('link', { name: queue.join }).click();
    await page.waitForURL('**/place**');
    expect(await page.evaluate('document.documentElement.lang')).toBe('ar');
    await page.locator('input[name="accessCode"]').fill('mine');
    await page.getByRole('button', { name: queue.join }).click();
    await page.waitForFunction("document.title.startsWith('2 – ')");
    expect(await page.evaluate('document.documentElement.lang')).toBe('ar');
  });

  test('a fan is called at the turn in a hidden tab, by a tone and a notification, if asked for and not before', async () => {
    const { sale, next } = await busySale(shop, hall);
    const init = `${hidable}
      const told = (what) => { localStorage.told = (localStorage.told ?? '') + what + ';'; };
      window.AudioContext = class extends AudioContext { constructor() { super(); told('audio'); } };
      window.OscillatorNode = class extends OscillatorNode { start() { super.start(); told('tone'); } };
      window.Notification = class {
        static permission = 'granted';
        static requestPermission = async () => { told('permission'); return 'granted'; };
        constructor(title) { told(title); }
      };`;
    const { page } = await waitingVisitor(chrome, shop, sale, { init });
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
    const { sale } = await busySale(shop, hall);
    const { page } = await waitingVisitor(chrome, shop, sale);
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
});
