import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { freeSale } from '../company.ts';
import { enterShop, fillInBuyer } from '../on-pages.ts';
import { createVisitor, desk } from '../visitor.ts';

const CSS_PIXELS_PER_CM = 96 / 2.54;
/** What hand-held scanners and phones at a door read in bad light from an arm's length. */
const QR_CM_MIN = 4;

describe.skipIf(!chromePath)('the page of an order, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  async function enter(sale: string) {
    const visitor = await createVisitor(chrome, { ...desk, colorScheme: 'dark' });
    await enterShop(visitor, shop, sale);
    return visitor.page;
  }

  async function buy(sale: string, seats: string) {
    const page = await enter(sale);
    await page.selectOption('#quantity', seats);
    await page.getByRole('button', { name: 'Hold the best seats' }).click();
    await fillInBuyer(page);
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForURL(/\/orders\//);
    return page;
  }

  test('the concert goes into the calendar of the fan whose order it is, and of nobody else', async () => {
    const sale = await freeSale(shop, [{ name: 'A', rows: 2, seatsPerRow: 5 }]);
    const ada = await buy(sale, '2');
    const link = ada.getByRole('link', { name: 'Add to your calendar' });
    const url = new URL((await link.getAttribute('href')) as string, ada.url()).href;
    const answer = await ada.request.get(url);
    expect([answer.status(), answer.headers()]).toMatchObject([
      200,
      { 'content-type': 'text/calendar; charset=utf-8', 'cache-control': 'no-store' },
    ]);
    const file = (await answer.text()).replaceAll('\r\n ', '');
    const order = ada.url().split('/').at(-1);
    expect(file).toContain(`UID:${order}@127.0.0.1\r\n`);
    expect(file).toContain(`DESCRIPTION:Order ${order}\\nSection A\\, row 1\\, seat `);
    expect(file).toContain(`URL:${ada.url()}\r\n`);
    expect(await (await ada.request.get(url)).text()).toBe(await answer.text());

    const eve = await enter(sale);
    const refused = await eve.request.get(url, { headers: { accept: 'text/html' } });
    expect([refused.status(), await refused.text()]).toEqual([404, expect.not.stringContaining('Section A')]);
    const stranger = await chrome.newContext();
    const away = await stranger.request.get(url, { maxRedirects: 0 });
    expect([away.status(), away.headers().location]).toEqual([303, `/sales/${sale}`]);
  });

  test('on paper each ticket is whole, its code large and dark on white, and nothing to press is left', async () => {
    const sale = await freeSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 12 }], { seatsPerFan: 12 });
    const page = await buy(sale, '12');
    await page.getByRole('button', { name: 'Print' }).waitFor();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const paper = (await page.evaluate(`({
      visible: [...document.querySelectorAll('a, button, nav, footer')].filter((e) => e.checkVisibility()).length,
      colours: [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor],
      named: [...document.querySelectorAll('.ticket')].filter((e) => e.innerText.includes('Nora')).length,
      breaks: [...new Set([...document.querySelectorAll('.ticket')].map((e) => getComputedStyle(e).breakInside))],
      codes: [...document.querySelectorAll('.qr svg')].map((e) => e.getBoundingClientRect().width),
    })`)) as { visible: number; named: number; colours: string[]; breaks: string[]; codes: number[] };
    expect(paper).toMatchObject({
      visible: 0,
      named: 12,
      colours: ['rgb(0, 0, 0)', 'rgb(255, 255, 255)'],
      breaks: ['avoid'],
    });
    expect(paper.codes).toHaveLength(12);
    expect(Math.min(...paper.codes)).toBeGreaterThan(QR_CM_MIN * CSS_PIXELS_PER_CM);
  });
});
