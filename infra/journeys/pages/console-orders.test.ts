import type { Browser, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { createFan } from '../fan.ts';
import { giveKey } from '../on-pages.ts';
import { openSale } from '../organise.ts';
import { createVisitor, desk } from '../visitor.ts';

const ORDERS_PER_PAGE = 50;

describe.skipIf(!chromePath)('orders in the console, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  async function buy(sale: string, seat: string, email: string): Promise<string> {
    const fan = createFan(shop.gatewayUrls, sale, email, Date.now() + 60_000);
    await fan.join();
    await fan.queueUp();
    const held = await fan.shop<{ hold: string }>('POST', '/holds', { seats: [seat] });
    const order = { hold: held.body.hold, buyer: { name: 'Ada', email }, payment: { token: 'tok_ok' } };
    const paid = await fan.shop<{ order: string }>('POST', '/orders', order, 'pay');
    expect(paid.status).toBe(201);
    return paid.body.order;
  }

  const listed = (page: Page): Promise<string[]> => page.locator('ul.list > li > b').allInnerTexts();
  async function find(page: Page, text: string): Promise<string[]> {
    await page.getByLabel('Find an order').fill(text);
    await Promise.all([
      page.waitForURL((url) => url.searchParams.get('find') === text),
      page.getByRole('button', { name: 'Find' }).click(),
    ]);
    return listed(page);
  }

  test('an order is found by number, e-mail and seat, refunded from there, and the search stays through pages', async () => {
    const sale = await openSale(shop, [{ name: 'A', rows: 6, seatsPerRow: 10 }], {
      ...{ capacity: 100, admitPerMinute: 60_000 },
    });
    const many = Array.from({ length: ORDERS_PER_PAGE + 1 }, (_, i) =>
      buy(sale, `A-${1 + Math.floor(i / 10)}-${1 + (i % 10)}`, `many-${i}@example.org`),
    );
    await Promise.all(many);
    const eve = await buy(sale, 'A-6-10', 'eve_1@example.org');

    const { page } = await createVisitor(chrome, { ...desk, javaScriptEnabled: false });
    await page.goto(`${shop.gatewayUrls[0]}/organiser/sales/${sale}/orders?find=eve_1@example.org`);
    expect(await page.innerText('body')).not.toContain('eve_1');
    await giveKey(page, shop.organiserKey);
    await page.goto(`${shop.gatewayUrls[0]}/organiser/sales/${sale}/orders`);

    expect(await find(page, eve)).toEqual([eve]);
    expect(await find(page, ' EVE_1@ ')).toEqual([eve]);
    expect(await find(page, 'A-6-10')).toEqual([eve]);
    expect(await find(page, '%%%')).toEqual([]);
    expect(await page.innerText('main')).toContain('There is no such order in this sale.');

    expect(await find(page, 'many-')).toHaveLength(ORDERS_PER_PAGE);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForURL(/after=/);
    expect(await listed(page)).toHaveLength(1);
    expect(await page.getByLabel('Find an order').inputValue()).toBe('many-');

    await find(page, eve);
    await page.getByText('Refund …').click();
    await page.getByLabel('Reason').fill('ill');
    await page.getByLabel('Yes, refund').check();
    await page.getByRole('button', { name: 'Refund now' }).click();
    await page.waitForSelector('text=is now: Refunded');
    expect([await listed(page), await page.getByLabel('Find an order').inputValue()]).toEqual([[eve], eve]);

    const short = await page.request.get(`${shop.gatewayUrls[0]}/organiser/sales/${sale}/orders?find=ev`);
    expect([short.status(), short.headers()['cache-control']]).toEqual([200, 'no-store']);
    expect(await short.text()).toContain('Please write at least 3 characters');
  }, 60_000);
});
