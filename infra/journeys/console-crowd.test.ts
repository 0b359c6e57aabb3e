import { setTimeout as wait } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { chromePath } from '../testing/chrome.ts';
import type { Shop } from '../testing/shop.ts';
import { withShopAndChrome } from './browser.ts';
import { fansOf } from './company.ts';
import type { Fan } from './fan.ts';
import { ask, bearer } from './http.ts';
import { giveKey } from './on-pages.ts';
import { openSale } from './organise.ts';
import { createVisitor, PAGE_MS_MAX } from './visitor.ts';

const FANS = 500;
const CAPACITY = 30;
const [PAUSE_AT_SOLD, CLOSE_AT_SOLD] = [60, 200];
const JOURNEY_MS_MAX = 120_000;
/** What the console shows is never older. */
const FIGURES_AGE_MS_MAX = 2_000;
const LOOK_MS = 50;
/** What an organiser changes is in effect everywhere within a second. */
const IN_EFFECT_MS_MAX = 1_000;
const hall = [{ name: 'A', rows: 25, seatsPerRow: 20 }];

type Figures = {
  waiting: number;
  ready: number;
  admitted: number;
  capacity: number;
  finished: number;
  sold: number;
  held: number;
};
/** Figures that were true, or shown, at a moment; what was asked for was true at some moment between two. */
type Shown = { at: number; figures: Figures };
type Sold = { from: number; to: number; sold: number };

/** The page's figures as numbers, told whenever they change and once the page is there. */
const recorder = `{
  const numberIn = (selector) => document.querySelector(selector)?.textContent ?? '';
  const plain = (text) => Number(text.replaceAll(',', ''));
  const read = () => {
    const [admitted, capacity] = numberIn('#tile-shopping .value').split(' of ').map(plain);
    const [, held] = /in baskets: ([\\d,]+)/.exec(numberIn('#tile-sold .note')) ?? [];
    const tile = (id) => plain(numberIn('#tile-' + id + ' .value'));
    return { waiting: tile('waiting'), ready: tile('ready'), admitted, capacity,
      finished: tile('ended'), sold: tile('sold'), held: plain(held ?? '') };
  };
  let last = '';
  const look = () => {
    if (!document.querySelector('#tile-sold')) return;
    const figures = read();
    const text = JSON.stringify(figures);
    if (text !== last) note({ at: Date.now(), figures });
    last = text;
  };
  new MutationObserver(look).observe(document, { childList: true, characterData: true, subtree: true });
}`;

describe.skipIf(!chromePath)('the console during a sale of 500 fans', () => {
  let shop: Shop;
  let chrome: Browser;
  let sql: postgres.Sql;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });
  beforeAll(() => {
    sql = postgres(shop.databaseUrl, { max: 1 });
  });
  afterAll(() => sql?.end());

  const url = (path: string) => `${shop.gatewayUrls[0]}${path}`;
  const stats = async (sale: string) => {
    const answer = await ask<StatsAnswer>('GET', url(`/api/organiser/sales/${sale}/stats`), {
      headers: bearer(shop.organiserKey),
    });
    return answer.body;
  };
  const figuresOf = ({ waiting, ready, admitted, capacity, ended, seats }: StatsAnswer): Figures => ({
    ...{ waiting, ready, admitted, capacity, finished: ended.finished },
    ...{ sold: seats?.sold ?? -1, held: seats?.held ?? -1 },
  });
  const soldInBooks = async (sale: string): Promise<number> => {
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n from ticket join ticket_order o on o.id = ticket_order
      where o.sale = ${sale} and live`;
    return row?.n ?? 0;
  };

  /** Buys one ticket, if the sale is not closed before the turn comes. */
  async function buy(fan: Fan, name: string): Promise<void> {
    if ((await fan.queueUp()) !== 'admitted') return;
    const held = await fan.shop<{ hold: string }>(
      'POST',
      '/holds',
      { best: { quantity: 1 } },
      `hold-${name}`,
    );
    expect(held).toMatchObject({ status: 201 });
    const buyer = { name, email: `${name}@example.org` };
    const order = { hold: held.body.hold, buyer, payment: { token: 'tok_ok' } };
    expect((await fan.shop('POST', '/orders', order, `pay-${name}`)).status).toBe(201);
  }

  /** All want in; whoever is next asks, so that the machine is not busy with the others' asking. */
  async function crowd(fans: Fan[]): Promise<void> {
    const next = fans.entries();
    const goThrough = async () => {
      for (const [i, fan] of next) await buy(fan, `fan-${i}`);
    };
    await Promise.all(Array.from({ length: CAPACITY }, goThrough));
  }

  async function watchBooks(sale: string, books: Sold[], isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const from = Date.now();
      const sold = await soldInBooks(sale);
      books.push({ from, to: Date.now(), sold });
      await wait(LOOK_MS);
    }
  }

  async function signIn(page: Page): Promise<void> {
    await page.goto(url('/organiser'));
    await giveKey(page, shop.organiserKey);
    await page.waitForURL(url('/organiser'));
  }

  test(
    'its figures are those of /stats and of the books, none older than 2 s, and a pause, a ramp, a pace, a message and the close work from it',
    async () => {
      const sale = await openSale(shop, hall, {
        ...{ capacity: CAPACITY, admitPerMinute: 60_000, seatsPerFan: 1 },
      });
      const fans = fansOf(shop, sale, 'fan', FANS);
      await Promise.all(fans.map((fan) => fan.join()));
      fans.sort((a, b) => a.seen.queueNumber - b.seen.queueNumber);

      const desk = { viewport: { width: 1200, height: 900 } };
      const { page, context, faults } = await createVisitor(chrome, desk);
      const shown: Shown[] = [];
      await context.exposeFunction('note', (entry: Shown) => void shown.push(entry));
      await signIn(page);
      await context.addInitScript(recorder);
      await page.goto(url(`/organiser/sales/${sale}`));
      await expect.poll(() => shown.at(-1)?.figures.waiting, { timeout: PAGE_MS_MAX }).toBeGreaterThan(0);

      /** What is shown while nothing moves is what /stats says, every figure of it, and what is in the books. */
      const agree = async (quiet: Partial<Figures>) => {
        const told = async () => {
          const figures = figuresOf(await stats(sale));
          return { ...figures, isOfBooks: figures.sold === (await soldInBooks(sale)) };
        };
        await expect.poll(told, { timeout: PAGE_MS_MAX }).toMatchObject({ ...quiet, isOfBooks: true });
        await expect
          .poll(() => shown.at(-1)?.figures, { timeout: FIGURES_AGE_MS_MAX, interval: LOOK_MS })
          .toEqual(figuresOf(await stats(sale)));
        expect(shown.at(-1)?.figures.sold).toBe(await soldInBooks(sale));
      };
      const untilSold = (count: number) =>
        expect
          .poll(() => soldInBooks(sale), { timeout: JOURNEY_MS_MAX, interval: LOOK_MS })
          .toBeGreaterThanOrEqual(count);

      const books: Sold[] = [];
      let isOver = false;
      const watching = watchBooks(sale, books, () => isOver);
      const shopping = crowd(fans);

      await untilSold(PAUSE_AT_SOLD);
      await page.locator('#pause').getByLabel('Reason').fill('sound check');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.waitForSelector('text=Done: Paused');
      await agree({ admitted: 0, ready: 0, held: 0 });
      const atPause = await soldInBooks(sale);

      await page.locator('#pace').getByLabel('Let in a minute').fill('30000');
      await page.locator('#pace').getByLabel('Shopping at one moment').fill('20');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.waitForSelector('text=Done: Settings changed');
      await page.locator('#notice').getByLabel('Message').fill('We go on in a moment.');
      await page.waitForSelector('[data-preview-text]:has-text("We go on in a moment.")');
      expect((await fans.at(-1)!.poll()).notice).toBeNull();
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.waitForSelector('text=Done: Settings changed');
      await expect
        .poll(async () => (await fans.at(-1)!.poll()).notice?.text, { timeout: IN_EFFECT_MS_MAX })
        .toBe('We go on in a moment.');
      await agree({ capacity: 20, admitted: 0, finished: atPause, sold: atPause });

      await page.getByRole('button', { name: 'Go on' }).click();
      await page.waitForSelector('text=Done: Went on');
      await page.waitForSelector('#tile-admitted:has-text("growing after a pause")');
      const growing = await stats(sale);
      expect(growing).toMatchObject({ rateReason: 'ramp', admitPerMinute: 30_000 });
      expect(growing.effectivePerMinute).toBeLessThan(30_000);

      await untilSold(CLOSE_AT_SOLD);
      await page.locator('#close').getByLabel('To be sure').fill('General sale');
      await page.getByRole('button', { name: 'Close for good' }).click();
      await page.waitForSelector('text=Done: Closed');
      const closed = await ask<SaleAnswer>('GET', url(`/api/sales/${sale}`));
      expect(closed.body.state).toBe('closed');
      await shopping;
      await agree({ waiting: 0, ready: 0, admitted: 0, held: 0 });
      isOver = true;
      await watching;

      const all = await soldInBooks(sale);
      expect(all).toBeLessThan(FANS);
      expect((await stats(sale)).ended).toMatchObject({ finished: all, closed: FANS - all });

      // Nothing was shown before it was so, and whatever was so was shown 2 s later.
      for (const { at, figures } of shown) {
        const now = books.find(({ from }) => from >= at);
        if (now) expect(figures.sold).toBeLessThanOrEqual(now.sold);
        expect(figures.admitted).toBeLessThanOrEqual(CAPACITY);
      }
      for (const { to, sold } of books) {
        const then = shown.findLast(({ at }) => at <= to + FIGURES_AGE_MS_MAX);
        expect(then?.figures.sold).toBeGreaterThanOrEqual(sold);
      }
      expect(shown.length).toBeGreaterThan(20);
      expect(faults).toEqual([]);
    },
    JOURNEY_MS_MAX,
  );
});
