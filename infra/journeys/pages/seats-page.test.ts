import type { Browser, Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { freeSale, rivalOf } from '../company.ts';
import type { Fan } from '../fan.ts';
import { enterShop } from '../on-pages.ts';
import { createVisitor, desk, PAGE_MS_MAX } from '../visitor.ts';

const hall = [
  { name: 'A', rows: 1, seatsPerRow: 3 },
  { name: 'B', rows: 2, seatsPerRow: 10 },
];

describe.skipIf(!chromePath)('the seats page, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  let rival: Fan;
  let page: Page;
  /** What the page was told of the seats. */
  let heard: ('whole' | 'changes')[];

  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });
  beforeEach(async () => {
    const sale = await freeSale(shop, hall);
    rival = await rivalOf(shop, sale);
    const visitor = await createVisitor(chrome, desk);
    page = visitor.page;
    heard = [];
    page.on('response', async (response) => {
      if (!response.url().includes(`/api/sales/${sale}/seats`) || !response.ok()) return;
      // What came as the page was left cannot be read any more.
      const text = await response.text().catch(() => null);
      if (text !== null) heard.push('changes' in JSON.parse(text) ? 'changes' : 'whole');
    });
    await enterShop(visitor, shop, sale);
    await page.getByRole('link', { name: 'Section B' }).click();
    await page.waitForURL(/section=B/);
    // A reload would lose it.
    await page.evaluate('window.isSamePage = true');
  });

  const take = async (...seats: string[]): Promise<string> => {
    const { status, body } = await rival.shop('POST', '/holds', { seats });
    expect(status).toBe(201);
    return String((body as { hold: string }).hold);
  };
  const seat = (row: number, number: number) =>
    page.getByLabel(`Row ${row}, seat ${number}`, { exact: true });
  const until = (is: () => Promise<unknown>) => expect.poll(is, { timeout: PAGE_MS_MAX }).toBeTruthy();
  const giveBack = async (hold: string) =>
    expect((await rival.shop('DELETE', `/holds/${hold}`)).status).toBe(204);
  /**
   * The page is told changes only. The first two seconds of a map belong to what another process may have told otherwise:
   * until something has changed after them, the whole comes each time, which is `not modified`.
   */
  const untilChanges = () =>
    expect
      .poll(
        async () => {
          await giveBack(await take('A-1-1'));
          return heard.at(-1);
        },
        { timeout: PAGE_MS_MAX, interval: 1_000 },
      )
      .toBe('changes');

  test('what another fan takes and gives back shows up by answers of changes', async () => {
    await untilChanges();
    const before = heard.length;
    const hold = await take('B-2-3');
    await until(() => seat(2, 3).isDisabled());
    expect(await seat(2, 4).isDisabled()).toBe(false);
    await giveBack(hold);
    await until(() => seat(2, 3).isEnabled());
    expect(heard.slice(before)).not.toContain('whole');
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });

  test('a chosen seat that goes stays chosen, with a word, until it is let go', async () => {
    await seat(1, 5).check();
    await seat(1, 6).check();
    await take('B-1-6');
    await page.waitForSelector('text=Somebody was faster: Section B, row 1, seat 6. Please choose another.');
    expect(await seat(1, 6).isChecked()).toBe(true);
    await seat(1, 6).uncheck();
    expect(await seat(1, 6).isDisabled()).toBe(true);
    expect(await page.innerText('main')).not.toContain('Somebody was faster');
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await page.waitForSelector('text=Section B, row 1, seat 5');
  });

  test('a shop that was restarted meanwhile tells the whole again, and the page goes on without a reload', async () => {
    await untilChanges();
    await take('B-2-1');
    await shop.kill('booking');
    await shop.restart('booking');
    const before = heard.length;
    await until(() => seat(2, 1).isDisabled());
    await take('B-2-2');
    await until(() => seat(2, 2).isDisabled());
    await untilChanges();
    expect(heard.slice(before)).toContain('whole');
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  }, 60_000);
});
