import { setTimeout as wait } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { fansOf } from '../company.ts';
import type { Fan } from '../fan.ts';
import { command, openSale } from '../organise.ts';
import { createVisitor } from '../visitor.ts';

const AHEAD = 399;
const BEHIND = 100;
const CAPACITY = 10;
/** Every so many-th fan ahead leaves instead of waiting; every fifth of those behind. */
const LEAVES_EVERY = 3;
const BEHIND_LEAVES_EVERY = 5;
const JOURNEY_MS_MAX = 90_000;

/** What the page was told and what it showed, in the order in which it happened. */
type Heard = { heard: number | null; version: number; state: string };
type Noted = Heard | { shown: string };

/**
 * Writes down every status that the page gets, before the page itself sees it, by poll or by stream, and every text that
 * its position has, at the end of the task that wrote it.
 */
const recorder = `{
  const hear = (text) => {
    const { position, version, state } = JSON.parse(text);
    note({ heard: position, version, state });
  };
  const plainFetch = window.fetch;
  window.fetch = async (...request) => {
    const response = await plainFetch(...request);
    if (response.ok && /queue(\\/me)?(\\?|$)/.test(response.url)) hear(await response.clone().text());
    return response;
  };
  window.EventSource = class extends EventSource {
    constructor(...stream) {
      super(...stream);
      this.addEventListener('message', ({ data }) => hear(data));
    }
  };
  let last = '';
  new MutationObserver(() => {
    const text = document.querySelector('[data-text^="p|"], [data-show="position"]')?.textContent ?? '';
    if (text !== '' && text !== last) note({ shown: text });
    last = text;
  }).observe(document, { childList: true, characterData: true, subtree: true });
}`;

describe.skipIf(!chromePath)('a queue of 500 in which people leave, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  /** Those in front, one after another as they are let in: each looks around and goes. */
  async function letThrough(fans: Fan[]): Promise<void> {
    const next = fans.values();
    const goThrough = async () => {
      for (const fan of next) {
        expect(await fan.queueUp()).toBe('admitted');
        await fan.leave();
      }
    };
    await Promise.all(Array.from({ length: CAPACITY }, goThrough));
  }

  test(
    'each position that is shown is the one in the answer, none is higher than one before, and the fan is taken in',
    async () => {
      const sale = await openSale(shop, [{ name: 'A', rows: 5, seatsPerRow: 10 }], {
        ...{ capacity: CAPACITY, admitPerMinute: 60_000 },
      });
      expect((await command(shop, sale, 'pause')).status).toBe(200);
      const ahead = fansOf(shop, sale, 'ahead', AHEAD);
      const behind = fansOf(shop, sale, 'behind', BEHIND);
      await Promise.all(ahead.map((fan) => fan.join()));

      const { page, context, faults } = await createVisitor(chrome);
      const noted: Noted[] = [];
      await context.exposeFunction('note', (entry: Noted) => void noted.push(entry));
      await context.addInitScript(recorder);
      await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}`);
      await page.getByRole('button', { name: 'Join the queue' }).click();
      await page.waitForSelector(`text=Position: ${AHEAD + 1}`);
      await Promise.all(behind.map((fan) => fan.join()));
      // Nothing moves yet: what a page says that is loaded now is what the API says.
      await page.reload();
      await page.waitForSelector(`text=Position: ${AHEAD + 1}`);
      const me = (await page.evaluate(
        `fetch('/api/sales/${sale}/queue/me').then((answer) => answer.json())`,
      )) as { position: number; queueNumber: number };
      expect(me).toMatchObject({ position: AHEAD + 1, queueNumber: AHEAD + 1 });

      expect((await command(shop, sale, 'resume')).status).toBe(200);
      const leavers = ahead.filter((_, i) => i % LEAVES_EVERY === 0);
      const stayers = ahead.filter((_, i) => i % LEAVES_EVERY !== 0);
      const leaving = async () => {
        // From the end, so that most go while they wait.
        for (const fan of leavers.reverse()) {
          await fan.leave();
          await wait(10);
        }
      };
      const goneBehind = behind.filter((_, i) => i % BEHIND_LEAVES_EVERY === 0);
      await Promise.all([letThrough(stayers), leaving(), ...goneBehind.map((fan) => fan.leave())]);
      await page.waitForURL(/\/seats$/);

      let heard: Heard | undefined;
      const shown: number[] = [];
      for (const entry of noted) {
        if ('heard' in entry) {
          heard = entry;
          continue;
        }
        const position = Number(entry.shown.replaceAll(/\D/g, ''));
        expect(position).toBe(heard?.heard);
        shown.push(position);
      }
      expect(shown).toEqual([...shown].sort((a, b) => b - a));
      // It moved step by step, by those who left and by those who were let in.
      expect(new Set(shown).size).toBeGreaterThan(5);
      expect(noted.filter((entry) => 'heard' in entry).length).toBeGreaterThan(5);
      expect(shown[0]).toBe(AHEAD + 1);
      expect(shown.at(-1)).toBeLessThan(AHEAD / 2);
      expect(faults).toEqual([]);
    },
    JOURNEY_MS_MAX,
  );
});
