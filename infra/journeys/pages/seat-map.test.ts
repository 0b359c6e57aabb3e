import type { Browser, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { fitted } from '../../../gateway/pages/seat-map/viewport.ts';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { freeSale, rivalOf } from '../company.ts';
import { enterShop } from '../on-pages.ts';
import type { Hall } from '../organise.ts';
import { createVisitor, desk, PAGE_MS_MAX, type VisitorOptions } from '../visitor.ts';

const HOUR_MS = 3_600_000;
/** What a hall of 80,000 seats may be to the browser, however many seats it has. */
const ELEMENTS_MAX = 6_000;
const HEAP_BYTES_MAX = 32 * 1024 * 1024;
const TABS_MAX = 60;

const grid = { rows: 4, seatsPerRow: 10 };
const hall: Hall = [
  { name: 'A', ...grid, amount: 8_000 },
  { name: 'B', rows: 2, seatsPerRow: 10, accessible: ['1-1'], companions: ['1-2'] },
];

describe.skipIf(!chromePath)('the seat map, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  /** An open sale, and a fan's page in its shop. */
  async function inTheShop({
    seats = hall,
    settings = {},
    browser = {},
  }: {
    seats?: Hall;
    settings?: Record<string, unknown>;
    browser?: VisitorOptions;
  } = {}) {
    const sale = await freeSale(shop, seats, { seatsPerFan: 3, ...settings });
    const visitor = await createVisitor(chrome, { ...desk, ...browser });
    await enterShop(visitor, shop, sale);
    return { sale, ...visitor };
  }

  const openSection = async (page: Page, name: string) => {
    await page.getByRole('button', { name: new RegExp(`^Section ${name} .* open$`) }).click();
    await page.locator('canvas').waitFor();
  };
  /** Where a seat of section A stands on the screen while the section is seen as a whole. */
  async function pointOf(page: Page, row: number, number: number) {
    const { x, y, width, height } = (await page.locator('canvas').boundingBox())!;
    const view = fitted(grid, { width, height });
    return { x: x + view.x + (number - 0.5) * view.cell, y: y + view.y + (row - 0.5) * view.cell };
  }
  const click = async (page: Page, row: number, number: number) => {
    const { x, y } = await pointOf(page, row, number);
    await page.mouse.click(x, y);
  };
  const said = (page: Page, text: string) => page.waitForSelector(`text=${text}`);
  const hold = (page: Page) => page.getByRole('button', { name: 'Hold these seats' }).click();

  test('seats chosen on the map by mouse are chosen in the list, held together, and survive a reload', async () => {
    const { page, faults } = await inTheShop();
    await openSection(page, 'A');
    await click(page, 2, 4);
    await click(page, 2, 5);
    await said(page, 'Chosen: Section A, row 2, seat 4; Section A, row 2, seat 5. Total: €160.00.');
    const box = (name: string) => page.getByLabel(name, { exact: true });
    expect(await box('Row 2, seat 4').isChecked()).toBe(true);
    await box('Row 2, seat 5').uncheck();
    await box('Row 2, seat 6').check();
    await click(page, 2, 6);
    await click(page, 2, 5);
    await page.reload();
    await said(page, 'Chosen: Section A, row 2, seat 4; Section A, row 2, seat 5.');
    await hold(page);
    await said(page, 'Held for you');
    await page.reload();
    expect(await page.innerText('main')).toMatch(
      /row 2, seat 4: €80.00\s+Section A, row 2, seat 5: €80.00\s+Total: €160.00/,
    );
    expect(faults).toEqual([]);
  });

  test('by the keyboard alone a fan goes to a section, to a seat, takes it and holds it', async () => {
    const { page } = await inTheShop();
    await said(page, '40 open');
    const tabTo = async (selector: string) => {
      for (let i = 0; i < TABS_MAX; i += 1) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
      }
      throw new Error(`${selector} cannot be reached by Tab`);
    };
    await tabTo('[data-section="B"]');
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowRight');
    await said(page, 'Row 1, seat 5, open');
    await page.keyboard.press('Home');
    await said(page, 'Row 1, seat 1, wheelchair space, open');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await said(page, 'Row 2, seat 1, chosen by you');
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.dataset.section')).toBe('B');
    await tabTo('.tray button');
    await page.keyboard.press('Enter');
    await said(page, 'Held for you');
    expect(await page.innerText('main')).toContain('Section B, row 2, seat 1');
  });

  test('a lost race says so in words and offers the nearest equivalent, which one tap holds', async () => {
    const { sale, page } = await inTheShop();
    const rival = await rivalOf(shop, sale);
    await openSection(page, 'A');
    await click(page, 2, 4);
    await click(page, 2, 5);
    expect((await rival.shop('POST', '/holds', { seats: ['A-2-5'] })).status).toBe(201);
    await hold(page);
    await said(page, 'Someone was faster: Section A, row 2, seat 5. Nothing was held.');
    await said(page, 'Nearest instead: Section A, row 2, seat 3; Section A, row 2, seat 4.');
    await page.getByRole('button', { name: 'Hold these instead' }).click();
    await said(page, 'Held for you');
    expect(await page.innerText('main')).toContain('Section A, row 2, seat 3');
    expect(await page.innerText('main')).toContain('Section A, row 2, seat 4');
  });

  test('a hold whose answer gets lost is asked for again with the same key, and held once', async () => {
    const { page } = await inTheShop();
    await openSection(page, 'A');
    await click(page, 2, 4);
    const keys: (string | undefined)[] = [];
    await page.route('**/holds', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await hold(page);
    await said(page, 'Held for you');
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]]);
    expect(await page.getByRole('heading', { name: 'Held for you' }).count()).toBe(1);
  });

  test('a chosen seat that goes meanwhile is told before it is asked for, with what is nearest', async () => {
    const { sale, page } = await inTheShop();
    const rival = await rivalOf(shop, sale);
    await openSection(page, 'A');
    await click(page, 3, 1);
    expect((await rival.shop('POST', '/holds', { seats: ['A-3-1'] })).status).toBe(201);
    await said(page, 'Somebody was faster: Section A, row 3, seat 1. Please choose another.');
    await said(page, 'Nearest instead: Section A, row 3, seat 2.');
    await page.getByRole('button', { name: 'Let all go' }).click();
    expect(await page.innerText('main')).not.toContain('Somebody was faster');
  });

  test('more seats than one fan may hold are not chosen, with a word', async () => {
    const { page } = await inTheShop({ settings: { seatsPerFan: 1 } });
    await openSection(page, 'A');
    await click(page, 1, 1);
    await click(page, 1, 2);
    await said(page, 'One fan may hold 1 seat in this sale. Let it go first.');
    await said(page, 'Chosen: Section A, row 1, seat 1. Total');
  });

  test('a second tab shows the basket, and that it was given back, by itself', async () => {
    const { page, context } = await inTheShop();
    const second = await context.newPage();
    second.setDefaultTimeout(PAGE_MS_MAX);
    await second.goto(page.url());
    await page.getByLabel('Row 1, seat 1', { exact: true }).check();
    await hold(page);
    await said(page, 'Held for you');
    await said(second, 'Held for you');
    await second.getByRole('button', { name: 'Give these seats back' }).click();
    await said(second, 'Best available');
    await said(page, 'Best available');
  });

  test('a choice goes along to the list of another section, and the map to that section', async () => {
    const { page } = await inTheShop();
    await openSection(page, 'A');
    await click(page, 1, 3);
    await page.getByRole('button', { name: 'All sections' }).click();
    await openSection(page, 'B');
    await page.getByRole('link', { name: 'This section as a list' }).click();
    await page.waitForURL(/section=B#list/);
    await page.getByLabel('Row 2, seat 9', { exact: true }).check();
    await said(page, 'Chosen: Section A, row 1, seat 3; Section B, row 2, seat 9. Total: €145.00.');
    await page.getByRole('application', { name: 'Map of Section B' }).waitFor();
    expect(await page.getByRole('link', { name: 'To the map' }).isVisible()).toBe(true);
  });

  test('without JavaScript there is the list, and the best up to a price', async () => {
    const { page } = await inTheShop({ browser: { javaScriptEnabled: false } });
    expect(await page.locator('canvas').isVisible()).toBe(false);
    const left = /\d{1,2}:\d\d \(until \d\d:\d\d:\d\d .+\)/;
    expect(await page.innerText('[data-shop]')).toMatch(new RegExp(`Shopping time left: ${left.source}`));
    await page.getByLabel('Row 4, seat 10', { exact: true }).check();
    await hold(page);
    await said(page, 'Section A, row 4, seat 10: €80.00');
    expect(await page.innerText('main')).toMatch(new RegExp(`For another ${left.source}`));
    await page.getByRole('button', { name: 'Give these seats back' }).click();
    await page.getByLabel('Price up to').selectOption('€65.00');
    await page.getByRole('button', { name: 'Hold the best seats' }).click();
    await said(page, 'Held for you');
    expect(await page.innerText('main')).toContain('Section B, row 1');
  });

  test.each([
    [100, 'Less than 2 minutes of your shopping time are left.'],
    [29, 'Less than 30 seconds of your shopping time are left.'],
  ])(
    'with %i s left the clock warns by the time of the server, on a device that is an hour ahead',
    async (admissionSeconds, words) => {
      const { page } = await inTheShop({
        settings: { admissionSeconds },
        browser: { init: `{ const now = Date.now; Date.now = () => now() + ${HOUR_MS}; }` },
      });
      await said(page, words);
      await page.getByRole('button', { name: 'Hold the best seats' }).click();
      await said(
        page,
        admissionSeconds > 30
          ? 'Your seats are held for less than 2 more minutes.'
          : 'Your seats are held for less than 30 more seconds.',
      );
    },
  );

  test('a hall of 80,000 seats is as small to the browser as any other', async () => {
    const large = Array.from({ length: 20 }, (_, i) => ({ name: `S${i + 1}`, rows: 50, seatsPerRow: 80 }));
    const { page, context } = await inTheShop({ seats: large });
    await openSection(page, 'S7');
    const { x, y, width, height } = (await page.locator('canvas').boundingBox())!;
    await page.getByRole('button', { name: 'Larger' }).click();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    for (let i = 0; i < 60; i += 1) await page.mouse.move(x + width / 2 + 3 * i, y + height / 2 - 2 * i);
    await page.mouse.up();
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value;
    expect(heap).toBeGreaterThan(0);
    expect(heap).toBeLessThan(HEAP_BYTES_MAX);
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(ELEMENTS_MAX);
  });
});
