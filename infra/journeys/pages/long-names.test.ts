import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { publicPage } from '../../../gateway/pages/layout.ts';
import { type Locale, locales } from '../../../gateway/pages/locale.ts';
import { consoleStates } from '../../../gateway/testing/console-states.ts';
import {
  drawStates,
  orderStates,
  queueStates,
  shellStates,
  shopStates,
  someSale,
} from '../../../gateway/testing/page-states.ts';
import { chromePath, launchChrome } from '../../testing/chrome.ts';

/** Without a space where a line could end. */
const long = (letter: string) => letter.repeat(120);
const own: Partial<SaleAnswer> = {
  event: { ...someSale.event, name: long('N'), venue: long('V') },
  name: long('P'),
  notice: { text: long('M'), at: someSale.serverTime },
  prices: [{ section: 'W'.repeat(20), price: { amount: 99_999_999_999, currency: 'EUR' } }],
};

describe.skipIf(!chromePath)('on a narrow phone', () => {
  let chrome: Browser;
  beforeAll(async () => {
    chrome = await launchChrome();
  });
  afterAll(() => chrome?.close());

  test.each(Object.values(locales))('no name makes a page wider: $language', async (locale: Locale) => {
    const page = await chrome.newPage({ viewport: { width: 320, height: 640 } });
    const wide: string[] = [];
    for (const states of [shellStates, queueStates, orderStates, drawStates, shopStates])
      for (const [name, content] of Object.entries(states(locale, own))) {
        const { body } = await publicPage(locale, { ...content, script: undefined }, 'no-store');
        await page.setContent(new TextDecoder().decode(body));
        // What a script would show is looked at too.
        await page.evaluate(
          `for (const hidden of document.querySelectorAll('[hidden]')) hidden.hidden = false;
          for (const told of document.querySelectorAll('[data-text*="|"]')) told.textContent = told.dataset.text`,
        );
        expect(await page.evaluate(`getComputedStyle(document.querySelector('main')).direction`)).toBe(
          locale.direction,
        );
        const overflow = await page.evaluate(`document.documentElement.scrollWidth - innerWidth`);
        if (overflow !== 0) wide.push(`${states.name} ${name}: ${overflow}`);
      }
    expect(wide).toEqual([]);
    await page.close();
  });

  test.each(Object.values(locales))(
    'what was done is read whole, not cut at the edge: $language',
    async (locale) => {
      const page = await chrome.newPage({ viewport: { width: 390, height: 844 } });
      const { audit, ...others } = consoleStates(locale);
      for (const content of [audit, others['live, paused']]) {
        const { body } = await publicPage(locale, { ...content!, script: undefined }, 'no-store');
        await page.setContent(new TextDecoder().decode(body));
        const overflow = await page.evaluate(
          `[...document.querySelectorAll('.wide:has(.acts)')].map((table) => table.scrollWidth - table.clientWidth)`,
        );
        expect(overflow).toEqual([0]);
        // Each fact has its name beside it, where the head of the table is not seen.
        const label = `getComputedStyle(document.querySelector('.acts .fact').closest('td'), '::before').content`;
        expect(await page.evaluate(label)).toContain(locale.texts.console.audit.change);
      }
      await page.close();
    },
  );
});
