import type { Browser, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import { type Shop, startShop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { freeSale } from '../company.ts';
import { enterShop, fillInBuyer, goToTheTill } from '../on-pages.ts';
import { createVisitor, type VisitorOptions } from '../visitor.ts';

/** A worker tells nobody when it is ready, and the page asks every few seconds by then. */
const WORKER_MS_MAX = 20_000;
const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];

describe.skipIf(!chromePath)('a crowded till, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome(
    (...given) => {
      [shop, chrome] = given;
    },
    () => startShop({ env: { ASYNC_ORDERS_FROM: '0' } }),
  );

  /** A fan's page with a seat held and the payment form filled in, and what the page complained of. */
  async function atTheTill(card: string, options: VisitorOptions = {}) {
    const visitor = await createVisitor(chrome, options);
    await enterShop(visitor, shop, await freeSale(shop, hall));
    await goToTheTill(visitor.page, card);
    return visitor;
  }

  /** Pays while no worker is there: the order waits. */
  async function payInVain(page: Page): Promise<void> {
    await shop.kill('worker');
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=Booking in progress');
    expect(await page.title()).toMatch(/^Booking in progress/);
    expect(await page.locator('.spinner').isVisible()).toBe(true);
  }

  const animation = (page: Page) =>
    page.evaluate(`getComputedStyle(document.querySelector('.spinner')).animationName`);

  test('the page of a booking in progress becomes that of the tickets by itself', async () => {
    const { page, faults } = await atTheTill('tok_ok');
    await payInVain(page);
    const order = page.url();
    expect(await animation(page)).toBe('turn');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await animation(page)).toBe('none');
    await shop.restart('worker');
    await page.waitForSelector('text=Your tickets', { timeout: WORKER_MS_MAX });
    expect((await page.innerText('main')).match(/Ticket code/g)).toHaveLength(1);
    expect(page.url()).toBe(order);
    expect(faults).toEqual([]);
  }, 60_000);

  test('a declined card leads back to the seats, which are still held, and to tickets after all', async () => {
    const { page, faults } = await atTheTill('tok_declined');
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=This booking did not succeed');
    const text = await page.innerText('main');
    expect(text).toContain('The payment was declined. You have not been charged.');
    expect(text).toContain('Your seats are still held for you');
    await page.getByRole('link', { name: 'Back to your seats' }).click();
    await page.waitForSelector('text=Held for you');
    await fillInBuyer(page);
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=Your tickets');
    expect(faults).toEqual([]);
  }, 60_000);

  test('without JavaScript the page refreshes itself until the tickets are there', async () => {
    const { page } = await atTheTill('tok_ok', { javaScriptEnabled: false });
    await payInVain(page);
    expect(await page.content()).toContain('http-equiv="refresh"');
    await shop.restart('worker');
    await page.waitForSelector('text=Your tickets', { timeout: WORKER_MS_MAX });
    expect(await page.content()).not.toContain('http-equiv="refresh"');
  }, 60_000);

  test('a form that is sent twice while its order waits leads to that order', async () => {
    const { page } = await atTheTill('tok_ok');
    const [action, body] = (await page.evaluate(`(() => {
      const form = document.querySelector('form[action$="/orders"]');
      return [form.action, new URLSearchParams(new FormData(form)).toString()];
    })()`)) as [string, string];
    await payInVain(page);
    const again = await page.context().request.post(action, {
      data: body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(again.url()).toBe(page.url());
    await shop.restart('worker');
  }, 60_000);
});
