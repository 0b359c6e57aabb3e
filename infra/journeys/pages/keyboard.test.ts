import type { Browser, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { busySale, freeSale, rivalOf } from '../company.ts';
import { createVisitor, PAGE_MS_MAX } from '../visitor.ts';

const STOPS_MAX = 120;
const hall = [{ name: 'A', rows: 2, seatsPerRow: 6 }];

/** What the keyboard reaches, as a fan with a screen reader hears it: what it is, and its name. */
const focused = `(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const name = element.ariaLabel || element.labels?.[0]?.innerText || element.innerText || element.localName;
  return {
    element: element.localName,
    name: name.trim(),
    isSeen: element.checkVisibility() && getComputedStyle(element).outlineStyle !== 'none',
  };
})()`;
type Focused = { element: string; name: string; isSeen: boolean } | null;

/** How many elements the Tab key should stop at. */
const stops = `[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(
  (element) => element.type !== 'hidden' && !element.disabled && element.checkVisibility()).length`;

describe.skipIf(!chromePath)('by the keyboard alone', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const focus = (page: Page) => page.evaluate(focused) as Promise<Focused>;
  const press = (page: Page, key: string) => page.keyboard.press(key);
  const heading = (page: Page, name: string) =>
    expect
      .poll(() => focus(page), { timeout: PAGE_MS_MAX })
      .toMatchObject({ element: expect.stringMatching(/^h[12]$/), name });

  /** To what is called so, forwards or backwards; each stop on the way can be seen. */
  async function go(page: Page, name: string | RegExp, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let i = 0; i < STOPS_MAX; i += 1) {
      await press(page, key);
      const now = await focus(page);
      if (now === null) continue;
      expect(now).toMatchObject({ isSeen: true });
      if (typeof name === 'string' ? now.name === name : name.test(now.name)) return;
    }
    throw new Error(`${name} cannot be reached by ${key}`);
  }

  /** Once around the page, in both directions: whoever goes on gets past everything, and stops at all there is. */
  async function expectNoTrap(page: Page): Promise<void> {
    const count = (await page.evaluate(stops)) as number;
    for (const key of ['Tab', 'Shift+Tab']) {
      await page.evaluate(`document.activeElement.blur(); getSelection().removeAllRanges()`);
      await page.evaluate(`window.reached = new Set()`);
      for (let i = 0; i <= count; i += 1) {
        await press(page, key);
        await page.evaluate(`window.reached.add(document.activeElement)`);
      }
      expect(
        await page.evaluate(`[...window.reached].filter((element) => element !== document.body).length`),
      ).toBe(count);
    }
  }

  test('a fan joins, waits, is taken in, chooses seats in the list, holds, pays and has the tickets', async () => {
    const { sale, inside, next } = await busySale(shop, hall, { seatsPerFan: 3 });
    const { page, faults } = await createVisitor(chrome);
    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}`);
    await go(page, 'Join the queue');
    await press(page, 'Enter');
    await page.waitForSelector('text=Position: 2');
    await expectNoTrap(page);

    await go(page, 'Alerts, leave the queue');
    await press(page, 'Enter');
    await page.waitForURL(/\/place$/);
    // A question that is opened and closed again leaves the place as it is.
    await go(page, 'Leave the queue');
    await press(page, 'Space');
    await go(page, 'Yes, leave');
    await go(page, 'Leave the queue', 'Shift+Tab');
    await press(page, 'Space');
    await inside.leave();
    await next.queueUp();
    await page.waitForSelector('text=Position: 1');
    await next.leave();

    // Taken in without a key: the focus says where the fan is now.
    await page.waitForURL(/\/seats$/);
    await heading(page, 'Nora & the Night Trains');
    await page.waitForSelector('text=Choose up to 3 seats.');
    await expectNoTrap(page);
    await go(page, 'Row 2, seat 3');
    await press(page, 'Space');
    await press(page, 'Tab');
    expect(await focus(page)).toMatchObject({ name: 'Row 2, seat 4' });
    await press(page, 'Shift+Tab');
    expect(await focus(page)).toMatchObject({ name: 'Row 2, seat 3' });
    await press(page, 'Tab');
    await press(page, 'Space');
    await page.waitForSelector('text=Chosen: Section A, row 2, seat 3; Section A, row 2, seat 4.');
    await go(page, 'Hold these seats');
    await press(page, 'Enter');

    await heading(page, 'Held for you');
    await expectNoTrap(page);
    await go(page, 'Your name');
    await page.keyboard.type('Ada');
    await press(page, 'Tab');
    expect(await focus(page)).toMatchObject({ name: 'E-mail for the tickets' });
    await page.keyboard.type('ada@example.org');
    await press(page, 'Tab');
    expect(await focus(page)).toMatchObject({ name: expect.stringMatching(/^Payment/) });
    await press(page, 'ArrowDown');
    await press(page, 'ArrowUp');
    expect(await page.evaluate('document.activeElement.value')).toBe('tok_ok');
    await go(page, /^Pay /);
    await press(page, 'Enter');

    await page.waitForURL(/\/orders\//);
    await heading(page, 'Your tickets');
    expect((await page.innerText('main')).match(/Ticket code/g)).toHaveLength(2);
    await expectNoTrap(page);
    expect(faults).toEqual([]);
  }, 60_000);

  test('whoever was too slow is told first, where the focus is, and goes on from there', async () => {
    const sale = await freeSale(shop, hall, { seatsPerFan: 12 });
    const rival = await rivalOf(shop, sale);
    const { page } = await createVisitor(chrome);
    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}`);
    await go(page, 'Join the queue');
    await press(page, 'Enter');
    await page.waitForURL(/\/seats$/);
    expect((await rival.shop('POST', '/holds', { best: { quantity: 6 } })).status).toBe(201);
    expect((await rival.shop('POST', '/holds', { best: { quantity: 6 } })).status).toBe(201);
    await go(page, 'Hold the best seats');
    await press(page, 'Enter');
    await expect
      .poll(() => focus(page), { timeout: PAGE_MS_MAX })
      .toMatchObject({ name: expect.stringMatching(/^There are no such seats side by side any more/) });
    await go(page, 'How many, side by side');
  });
});
