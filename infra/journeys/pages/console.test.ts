import type { Browser, Page } from 'playwright-core';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import type { AuditAnswer } from '#shared/contract/organiser.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { createFan, type Fan } from '../fan.ts';
import { ask, bearer } from '../http.ts';
import { giveKey } from '../on-pages.ts';
import { openSale } from '../organise.ts';
import { PAGE_MS_MAX, type VisitorOptions, visit } from '../visitor.ts';

const JOURNEY_MS_MAX = 90_000;
/** What the console shows may be older than what is so by this time. */
const FIGURES_LATE_MS_MAX = 2_000;
const FANS = 36;
const CAPACITY = 6;
const desk = { width: 1200, height: 900 };
/** What Chromium says of an answer that refuses; the page tells the organiser itself. */
const isRefusal = (fault: string) => /^Failed to load resource: .* status of 4\d\d/.test(fault);

describe.skipIf(!chromePath)('the console in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const url = (path: string) => `${shop.gatewayUrls[0]}${path}`;
  const organiser = () => ({ headers: bearer(shop.organiserKey) });
  const stats = async (sale: string) =>
    (await ask<StatsAnswer>('GET', url(`/api/organiser/sales/${sale}/stats`), organiser())).body;
  const saleForFans = async (sale: string) => (await ask<SaleAnswer>('GET', url(`/api/sales/${sale}`))).body;

  async function signIn(options: VisitorOptions = {}) {
    const visitor = await visit(chrome, url('/organiser'), { viewport: desk, ...options });
    await giveKey(visitor.page, shop.organiserKey);
    await visitor.page.waitForURL(url('/organiser'));
    return visitor;
  }

  async function fillSection(page: Page, i: number, section: Record<string, string>) {
    for (const [field, text] of Object.entries(section)) await page.fill(`#section-${i}-${field}`, text);
  }

  /** Makes an event of two sections and a sale of it, by forms alone; returns the sale’s id. */
  async function makeSale(
    page: Page,
    opensAt: string,
    settings: Record<string, string> = {},
  ): Promise<string> {
    await page.getByRole('link', { name: 'New event' }).click();
    await page.getByLabel('Name of the event').fill('Nora & the <Night> Trains');
    await page.getByLabel('Venue', { exact: true }).fill('Harbour Hall');
    await page.getByLabel('Date and time at the venue').fill('2031-06-14T20:00');
    await page.getByLabel('Time zone of the venue').fill('Europe/Berlin');
    await fillSection(page, 0, {
      name: 'Stalls',
      rows: '3',
      seatsPerRow: '10',
      price: '65.00',
      accessible: '1-1',
      companions: '1-2',
    });
    await page.getByRole('button', { name: 'Add a section' }).click();
    await page.waitForSelector('#section-3-name');
    expect(await page.inputValue('#section-0-companions')).toBe('1-2');
    await fillSection(page, 3, { name: 'Balcony', rows: '2', seatsPerRow: '10', price: 'dear' });
    await page.getByRole('button', { name: 'Make the event' }).click();
    // Refused at its field; nothing that was typed is lost.
    await page.waitForSelector('#section-3-price-fault');
    expect(await page.getByLabel('Name of the event').inputValue()).toBe('Nora & the <Night> Trains');
    expect(await page.inputValue('#section-3-name')).toBe('Balcony');
    expect(await page.locator('#hall').innerText()).toContain('Seats: 50 · wheelchair: 1 · companions: 1');
    await page.fill('#section-3-price', '39,50');
    await page.getByRole('button', { name: 'Make the event' }).click();
    await page.getByRole('link', { name: 'New sales window' }).click();
    await page.getByLabel('Name of the sale').fill('General sale');
    await page.getByLabel('Opens', { exact: true }).fill(opensAt);
    await page.fill('#capacity', '0');
    await page.getByRole('button', { name: 'Make the sales window' }).click();
    await page.waitForSelector('#capacity-fault');
    await page.fill('#capacity', String(CAPACITY));
    for (const [field, text] of Object.entries(settings)) await page.fill(`#${field}`, text);
    await page.getByRole('button', { name: 'Make the sales window' }).click();
    await page.waitForURL(/\/organiser\/sales\/[\w-]+$/);
    return new URL(page.url()).pathname.split('/').at(-1) as string;
  }

  test('an organiser comes from an empty system to an open sale by the console alone', async () => {
    const { page, faults } = await signIn();
    await page.waitForSelector('text=There is no event yet');
    const sale = await makeSale(page, '2031-01-10T10:00');
    await page.waitForSelector('.pill:text("Not open yet")');
    expect(await saleForFans(sale)).toMatchObject({
      state: 'scheduled',
      opensAt: '2031-01-10T09:00:00.000Z',
      event: { name: 'Nora & the <Night> Trains', startsAt: '2031-06-14T18:00:00.000Z' },
      prices: [
        { section: 'Stalls', price: { amount: 6_500, currency: 'EUR' } },
        { section: 'Balcony', price: { amount: 3_950, currency: 'EUR' } },
      ],
    });
    const open = page.locator('#open');
    await open.getByLabel('To be sure').fill('Some other sale');
    await open.getByRole('button', { name: 'Open now' }).click();
    await page.waitForSelector('#open-name-fault');
    expect((await saleForFans(sale)).state).toBe('scheduled');
    await open.getByLabel('To be sure').fill('General sale');
    await open.getByRole('button', { name: 'Open now' }).click();
    await page.waitForSelector('text=Done: Opened');
    await page.waitForSelector('.pill:text("Open")');
    expect((await saleForFans(sale)).state).toBe('open');

    await page.getByRole('link', { name: 'The event and its seats' }).click();
    await page.locator('#block').getByLabel('Seats').fill('Stalls-1-3, Stalls-1-4');
    await page.locator('#block').getByLabel('Reason').fill('sound desk');
    await page.getByRole('button', { name: 'Block', exact: true }).click();
    await page.waitForSelector('text=Blocked now: Stalls-1-3, Stalls-1-4');
    await expect.poll(async () => (await stats(sale)).seats?.blocked, { timeout: PAGE_MS_MAX }).toBe(2);
    expect(faults.filter((fault) => !isRefusal(fault))).toEqual([]);
  }, 60_000);

  test('without JavaScript too an event and a sale are made, watched, paused and resumed', async () => {
    const { page } = await signIn({ javaScriptEnabled: false });
    const sale = await makeSale(page, '2026-01-10T10:00');
    expect(await page.content()).toContain('http-equiv="refresh"');
    await page.getByRole('link', { name: 'Stop that' }).click();
    expect(await page.content()).not.toContain('http-equiv="refresh"');
    const fan = createFan(shop.gatewayUrls, sale, 'ada', Date.now() + JOURNEY_MS_MAX);
    await fan.join();
    await fan.queueUp();
    // Whoever asks within a quarter of a second is shown the same reading.
    const shopping = async () => {
      await page.reload();
      return page.locator('#tile-shopping .value').innerText();
    };
    await expect.poll(shopping, { timeout: FIGURES_LATE_MS_MAX }).toBe(`1 of ${CAPACITY}`);
    await page.locator('#pause').getByLabel('Reason').fill('fire alarm');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForSelector('text=Done: Paused');
    expect((await saleForFans(sale)).state).toBe('paused');
    expect(await page.locator('#acts').innerText()).toContain('fire alarm');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.waitForSelector('text=Done: Went on');
    expect((await saleForFans(sale)).state).toBe('open');
  }, 60_000);

  /** The figures that the page shows, as the numbers that /stats has. */
  const shown = (page: Page) =>
    page.evaluate(`(() => {
      const value = (id) => document.querySelector('#tile-' + id + ' .value').textContent;
      const note = (id) => document.querySelector('#tile-' + id + ' .note').textContent;
      const [admitted, capacity] = value('shopping').split(' of ').map(Number);
      const [, held, open] = /in baskets: (\\d+) · open: (\\d+)/.exec(note('sold')) ?? [];
      return { waiting: Number(value('waiting')), ready: Number(value('ready')), admitted, capacity,
        finished: Number(value('ended')), sold: Number(value('sold')), held: Number(held), open: Number(open) };
    })()`);
  const told = ({ waiting, ready, admitted, capacity, ended, seats }: StatsAnswer) => ({
    ...{ waiting, ready, admitted, capacity, finished: ended.finished },
    ...{ sold: seats?.sold, held: seats?.held, open: seats?.open },
  });

  test(
    'during a sale the tiles say what /stats says, and every control works',
    async () => {
      const sale = await openSale(shop, [{ name: 'A', rows: 10, seatsPerRow: 10 }], {
        ...{ capacity: CAPACITY, admitPerMinute: 60_000, seatsPerFan: 2 },
      });
      const { page, context, faults } = await signIn();
      await page.goto(url(`/organiser/sales/${sale}`));
      const fans = Array.from({ length: FANS }, (_, i) =>
        createFan(shop.gatewayUrls, sale, `fan-${i}`, Date.now() + JOURNEY_MS_MAX),
      );
      const inside = fans.slice(0, CAPACITY);
      await Promise.all(inside.map((fan) => fan.join()));
      await Promise.all(fans.slice(CAPACITY).map((fan) => fan.join()));
      await Promise.all(inside.map((fan) => fan.queueUp()));
      const agree = async (fits: Partial<ReturnType<typeof told>>) => {
        await expect.poll(async () => told(await stats(sale)), { timeout: PAGE_MS_MAX }).toMatchObject(fits);
        await expect
          .poll(() => shown(page), { timeout: FIGURES_LATE_MS_MAX, interval: 50 })
          .toEqual(told(await stats(sale)));
      };
      // Whoever asks at the same moment is answered with the same reading, which may be of the moment before.
      const inEffect = (settings: { capacity: number; admitPerMinute: number }) =>
        expect.poll(() => stats(sale), { timeout: FIGURES_LATE_MS_MAX }).toMatchObject(settings);
      await agree({ waiting: FANS - CAPACITY, admitted: CAPACITY });

      const buy = async (fan: Fan, name: string) => {
        const held = await fan.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 2 } });
        const buyer = { name, email: `${name}@example.org` };
        const order = { hold: held.body.hold, buyer, payment: { token: 'tok_ok' } };
        expect((await fan.shop('POST', '/orders', order, `pay-${name}`)).status).toBe(201);
      };
      await page.locator('#pause').getByLabel('Reason').fill('sound check');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.waitForSelector('text=Done: Paused');
      await buy(inside[0]!, 'Ada');
      await agree({ admitted: CAPACITY - 1, ready: 0, sold: 2, finished: 1 });
      expect(await page.locator('#tile-waiting .note').innerText()).toBe('entry is paused');

      // A colleague changes the capacity meanwhile: the stale screen gets the new values, and nothing is lost.
      const colleague = await context.newPage();
      await colleague.goto(url(`/organiser/sales/${sale}`));
      await colleague.locator('#pace').getByLabel('Shopping at one moment').fill('8');
      await colleague.getByRole('button', { name: 'Apply' }).click();
      await colleague.waitForSelector('text=Done: Settings changed');
      await colleague.close();
      await page.waitForSelector('text=A setting was changed while you look');
      await page.locator('#pace').getByLabel('Let in a minute').fill('1200');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.waitForSelector('#pace [role=alert]:has-text("A colleague changed the sale")');
      expect(await page.locator('#pace').getByLabel('Shopping at one moment').inputValue()).toBe('8');
      await inEffect({ capacity: 8, admitPerMinute: 60_000 });
      await page.locator('#pace').getByLabel('Let in a minute').fill('1200');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.waitForSelector('text=Done: Settings changed');
      await inEffect({ capacity: 8, admitPerMinute: 1_200 });

      await page.locator('#notice').getByLabel('Message').fill('We go on <in> ten minutes.');
      await page.waitForSelector('[data-preview-text]:has-text("We go on <in> ten minutes.")');
      expect((await saleForFans(sale)).notice).toBeNull();
      await page.getByRole('button', { name: 'Publish' }).click();
      await page.waitForSelector('text=Done: Settings changed');
      expect((await saleForFans(sale)).notice?.text).toBe('We go on <in> ten minutes.');

      await page.getByRole('button', { name: 'Go on' }).click();
      await page.waitForSelector('text=Done: Went on');
      await expect.poll(async () => (await stats(sale)).ready, { timeout: PAGE_MS_MAX }).toBe(3);
      await agree({ ready: 3, waiting: FANS - CAPACITY - 3, capacity: 8 });
      await page.waitForSelector('.chart .mark-name');
      await page.locator('.chart summary').first().click();
      await page.waitForSelector('.chart tbody tr');

      await page.locator('#close').getByLabel('To be sure').fill('general');
      await page.getByRole('button', { name: 'Close for good' }).click();
      await page.waitForSelector('#close-name-fault');
      expect((await saleForFans(sale)).state).toBe('open');
      await page.locator('#close').getByLabel('To be sure').fill('General sale');
      await page.getByRole('button', { name: 'Close for good' }).click();
      await page.waitForSelector('text=Done: Closed');
      expect((await saleForFans(sale)).state).toBe('closed');
      const audit = await ask<AuditAnswer>('GET', url(`/api/organiser/sales/${sale}/audit`), organiser());
      expect(audit.body.entries.map(({ action }) => action).slice(0, 6)).toEqual([
        ...['close', 'resume', 'patch', 'patch', 'patch', 'pause'],
      ]);
      expect(faults.filter((fault) => !isRefusal(fault))).toEqual([]);

      // The money goes back only to whoever says why, and is sure.
      await page.getByRole('link', { name: 'Orders and refunds' }).click();
      await page.getByText('Refund …').click();
      await page.getByLabel('Reason').fill('ill');
      await page.getByLabel('Yes, refund €130.00 to Ada').check();
      await page.getByRole('button', { name: 'Refund now' }).click();
      await page.waitForSelector('li:has-text("Refunded"):has-text("Ada")');

      // A message that could not be delivered is sent again from here.
      const sql = postgres(shop.databaseUrl, { max: 1 });
      const mail = () => sql`select state from outbox_message where kind = 'order-refunded-mail'`;
      await expect.poll(mail, { timeout: PAGE_MS_MAX }).toMatchObject([{ state: 'sent' }]);
      await sql`update outbox_message set state = 'dead' where kind = 'order-refunded-mail'`;
      await page.getByRole('link', { name: 'Undelivered messages' }).click();
      await page.getByRole('button', { name: 'Send again' }).click();
      await page.waitForSelector('text=will be sent again');
      await expect.poll(mail, { timeout: PAGE_MS_MAX }).toMatchObject([{ state: 'sent' }]);
      await sql.end();
    },
    JOURNEY_MS_MAX,
  );

  test('figures that cannot be renewed are told to be old, and a key that is signed out sees nothing', async () => {
    const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 5 }], {
      capacity: 1,
      admitPerMinute: 60,
    });
    const { page } = await signIn();
    await page.goto(url(`/organiser/sales/${sale}`));
    await page.waitForSelector('#alarms.calm');
    await shop.kill('gateway-1');
    await page.waitForSelector('#alarms:has-text("The live connection is cut")');
    await page.waitForSelector('#alarms:has-text("seconds old")');
    await shop.restart('gateway-1');
    await page.waitForSelector('#alarms.calm');

    // The booking service is away: the sale is found and paused all the same, and nobody calls that recorded.
    await shop.kill('booking');
    await page.goto(url('/organiser'));
    await page.waitForSelector('text=Events cannot be read for a moment');
    await page.locator(`a[href="/organiser/sales/${sale}"]`).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForSelector('text=not recorded yet');
    expect((await saleForFans(sale)).state).toBe('paused');
    await shop.restart('booking');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/sign-in/);
    await page.goto(url(`/organiser/sales/${sale}`));
    await page.waitForSelector('text=Organiser key');
  }, 60_000);
});
