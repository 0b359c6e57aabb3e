import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { freeSale } from '../company.ts';
import { enterShop } from '../on-pages.ts';
import { createVisitor, desk } from '../visitor.ts';

const hall = [
  { name: 'A', rows: 160, seatsPerRow: 500 },
  { name: 'B', rows: 2, seatsPerRow: 10 },
];

describe.skipIf(!chromePath)('the list of a section of 80,000 seats, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  async function enter(javaScriptEnabled: boolean) {
    const sale = await freeSale(shop, hall, { seatsPerFan: 4 });
    const visitor = await createVisitor(chrome, { ...desk, javaScriptEnabled });
    await enterShop(visitor, shop, sale);
    return visitor.page;
  }

  test('without JavaScript every row is reached, and what is chosen on the way is held together', async () => {
    const page = await enter(false);
    await page.waitForSelector('text=Rows 1 to 2 of 160');
    await page.getByLabel('Row 1, seat 500', { exact: true }).check();
    await page.getByRole('button', { name: 'Rows behind these' }).first().click();
    await page.waitForSelector('text=Rows 3 to 4 of 160');
    await page.getByLabel('Row 4, seat 1', { exact: true }).check();
    await page.getByLabel('From row').selectOption('160');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForSelector('text=Rows 160 to 160 of 160');
    await page.getByLabel('Row 160, seat 500', { exact: true }).check();
    await page.getByRole('button', { name: 'Rows before these' }).click();
    await page.waitForSelector('text=Rows 159 to 160 of 160');
    expect(await page.getByLabel('Row 160, seat 500', { exact: true }).isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Section B' }).click();
    await page.getByLabel('Row 2, seat 3', { exact: true }).check();
    await page.getByLabel('Section A, row 4, seat 1', { exact: true }).uncheck();
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await page.waitForSelector('text=Held for you');
    const held = await page.locator('main .card ul.list li').allInnerTexts();
    expect(held.map((text) => text.split(':')[0]).sort()).toEqual([
      'Section A, row 1, seat 500',
      'Section A, row 160, seat 500',
      'Section B, row 2, seat 3',
    ]);
  });

  test('by keyboard alone, with JavaScript: the tab remembers the choice, and Enter in a box holds it', async () => {
    const page = await enter(true);
    await page.getByLabel('Row 1, seat 2', { exact: true }).focus();
    await page.keyboard.press('Space');
    await page.getByLabel('From row').focus();
    await page.getByLabel('From row').selectOption('80');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Rows 80 to 81 of 160');
    expect(page.url()).not.toContain('A-1-2');
    await page.getByLabel('Row 81, seat 500', { exact: true }).focus();
    await page.keyboard.press('Space');
    await page.waitForSelector('text=Chosen: Section A, row 1, seat 2; Section A, row 81, seat 500.');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Held for you');
    expect(await page.innerText('main')).toContain('Section A, row 81, seat 500');
  });
});
