import type { Browser, Page } from 'playwright-core';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { busySale, freeSale, rivalOf } from '../company.ts';
import { enterByButton, enterShop, fillInBuyer, goToTheTill } from '../on-pages.ts';
import { createVisitor, PAGE_MS_MAX, visit } from '../visitor.ts';

/** A worker tells nobody when it is ready, and the page asks every few seconds by then. */
const WORKER_MS_MAX = 30_000;
const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];
const accessibleHall = [
  { name: 'A', rows: 2, seatsPerRow: 10, accessible: ['1-1', '1-10'], companions: ['1-2', '1-9'] },
];

describe.skipIf(!chromePath)('in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const addressOf = (sale: string) => `${shop.gatewayUrls[0]}/sales/${sale}`;

  async function buyBest(page: Page) {
    await page.selectOption('#quantity', '2');
    await page.getByRole('button', { name: 'Hold the best seats' }).click();
    await fillInBuyer(page, 'Ada <b>Lovelace</b>');
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForURL(/\/orders\//);
    const text = await page.innerText('main');
    expect(text).toContain('Your tickets');
    expect(text.match(/Ticket code/g)).toHaveLength(2);
    expect(await page.locator('.qr svg').count()).toBe(2);
    expect(text).toContain('ada@example.org');
  }

  test('a fan sees the position the API tells, keeps it through a reload, is taken in and buys', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page, faults } = await visit(chrome, addressOf(sale));
    await page.getByRole('button', { name: 'Join the queue' }).click();
    await page.waitForSelector('text=Position: 2');
    const fromApi = (await page.evaluate(
      `fetch('/api/sales/${sale}/queue/me').then((answer) => answer.json())`,
    )) as { position: number; queueNumber: number };
    expect(fromApi).toMatchObject({ position: 2, queueNumber: 3 });
    expect(await page.innerText('main')).toContain('1 ahead of you');
    await page.reload();
    await page.waitForSelector('text=Position: 2');

    // The one inside leaves, the next gets in: the page moves up by itself.
    await inside.leave();
    await next.queueUp();
    await page.waitForSelector('text=Position: 1');
    expect(await page.title()).toMatch(/^1 – /);
    await next.leave();
    await page.waitForURL(/\/seats$/);
    await buyBest(page);
    const order = page.url();
    await page.goto(addressOf(sale));
    await page.getByRole('link', { name: /^Order / }).click();
    expect(page.url()).toBe(order);
    expect(faults).toEqual([]);
  });

  test('a fan without JavaScript joins, refreshes, goes in and buys', async () => {
    const { sale, inside, next } = await busySale(shop, hall);
    const { page } = await visit(chrome, addressOf(sale), { javaScriptEnabled: false });
    await page.waitForURL(/\/place$/);
    expect(await page.locator('noscript meta[http-equiv=refresh]').count()).toBe(0);
    await page.getByRole('button', { name: 'Join the queue' }).click();
    await page.waitForSelector('text=Position: 2');
    expect(await page.content()).toContain('http-equiv="refresh"');
    await page.getByRole('link', { name: 'Stop that' }).click();
    expect(await page.content()).not.toContain('http-equiv="refresh"');
    await inside.leave();
    await next.leave();
    await enterByButton(page);
    await buyBest(page);
  });

  test('chosen seats, a lost race, a declined payment and a change of mind each get a clear word', async () => {
    const sale = await freeSale(shop, hall);
    const rival = await rivalOf(shop, sale);
    const visitor = await createVisitor(chrome);
    const { page } = visitor;
    await enterShop(visitor, shop, sale);
    await page.getByLabel('Row 2, seat 4').check();
    await page.getByLabel('Row 2, seat 5').check();
    expect((await rival.shop('POST', '/holds', { seats: ['A-2-5'] })).status).toBe(201);
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await page.waitForSelector('text=Someone was faster');
    await page.getByLabel('Row 2, seat 4').check();
    await page.getByRole('button', { name: 'Hold these seats' }).click();
    await page.waitForSelector('text=Section A, row 2, seat 4');
    await fillInBuyer(page);
    await page.getByLabel('Payment').selectOption('tok_declined');
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=The payment was declined');
    await page.getByRole('button', { name: 'Give these seats back' }).click();
    await page.getByLabel('Row 2, seat 4').check();
  });

  test.each([true, false])(
    'wheelchair spaces are named in words and got by asking, JavaScript: %s',
    async (javaScriptEnabled) => {
      const sale = await freeSale(shop, accessibleHall, { seatsPerFan: 4 });
      const visitor = await createVisitor(chrome, { javaScriptEnabled });
      const { page } = visitor;
      await enterShop(visitor, shop, sale);
      expect(await page.getByLabel('Row 1, seat 1, wheelchair space').isVisible()).toBe(true);
      expect(await page.getByLabel('Row 1, seat 9, companion seat').isVisible()).toBe(true);
      const text = await page.innerText('main');
      expect([text.match(/\d\s+wheelchair space/g), text.match(/\d\s+companion seat/g)]).toMatchObject([
        { length: 2 },
        { length: 2 },
      ]);

      const best = async (quantity: string, accessible: string) => {
        await page.selectOption('#quantity', quantity);
        await page.getByLabel('Of these, wheelchair spaces').fill(accessible);
        await page.getByRole('button', { name: 'Hold the best seats' }).click();
      };
      await best('1', '2');
      await page.waitForSelector('text=There cannot be more wheelchair spaces than seats');
      await best('4', '4');
      await page.waitForSelector('text=There are no such seats side by side any more');
      await best('2', '1');
      await page.waitForSelector('text=Section A, row 1, seat 1 (wheelchair space)');
      expect(await page.innerText('main')).toContain('Section A, row 1, seat 2 (companion seat)');
      await page.getByRole('button', { name: 'Give these seats back' }).click();
      await best('2', '0');
      await page.waitForSelector('text=Held for you');
      expect(await page.innerText('main')).not.toContain('wheelchair');
    },
  );

  test('a hall without wheelchair spaces asks nobody about them', async () => {
    const sale = await freeSale(shop, hall);
    const visitor = await createVisitor(chrome);
    await enterShop(visitor, shop, sale);
    expect(await visitor.page.innerText('main')).not.toContain('wheelchair');
  });

  /** A sale, and a fan's page with a seat held and the payment form filled in. */
  async function atTheTill(card: string) {
    const sale = await freeSale(shop, hall);
    const visitor = await createVisitor(chrome);
    await enterShop(visitor, shop, sale);
    await goToTheTill(visitor.page, card);
    return { sale, page: visitor.page };
  }

  /** Presses the button of the unclear payment until it is clear. */
  const lookUntil = (page: Page) =>
    expect.poll(
      async () => {
        const look = page.getByRole('button', { name: 'Look what became of it' });
        if (await look.isVisible()) await look.click();
        return page.innerText('main');
      },
      { timeout: 2 * PAGE_MS_MAX, interval: 500 },
    );

  test('a payment whose answer is lost is found again with the same button, and paid once', async () => {
    const { page } = await atTheTill('tok_unknown');
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=Your payment is not clear yet');
    await lookUntil(page).toContain('Your tickets');
    expect((await page.innerText('main')).match(/Ticket code/g)).toHaveLength(1);
  }, 60_000);

  test('when the shop dies before the card was charged, the page asks again and the fan gets the tickets', async () => {
    const { sale, page } = await atTheTill('tok_slow');
    const paying = page.getByRole('button', { name: /^Pay / }).click();
    await expect.poll(() => payments(shop, sale), { timeout: PAGE_MS_MAX }).toHaveLength(1);
    await shop.kill('booking');
    await paying;
    await page.waitForSelector('text=Your payment is not clear yet');
    await shop.restart('booking');
    await lookUntil(page).toContain('Your tickets');
    expect(await payments(shop, sale)).toEqual([{ state: 'confirmed', authorisations: 1, captures: 1 }]);
  }, 60_000);

  test('a payment that waits for the worker already is shown as such, and not made again', async () => {
    const { sale, page } = await atTheTill('tok_ok');
    const form = (await page.evaluate(
      `Object.fromEntries(new FormData(document.querySelector('form[action$="/orders"]')))`,
    )) as Record<'hold' | 'key' | 'name' | 'email' | 'token', string>;
    await shop.kill('worker');
    const taken = await page.context().request.post(`${shop.gatewayUrls[0]}/api/sales/${sale}/orders`, {
      data: {
        hold: form.hold,
        buyer: { name: form.name, email: form.email },
        payment: { token: form.token },
      },
      headers: { 'idempotency-key': form.key, prefer: 'respond-async' },
    });
    expect(taken.status()).toBe(202);
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.waitForSelector('text=Booking in progress');
    await shop.restart('worker');
    await page.waitForSelector('text=Your tickets', { timeout: WORKER_MS_MAX });
    expect(await payments(shop, sale)).toEqual([{ state: 'confirmed', authorisations: 1, captures: 1 }]);
  }, 60_000);

  test('the seats page sends whoever is not admitted to the queue', async () => {
    const { sale } = await busySale(shop, hall);
    const { page } = await visit(chrome, addressOf(sale));
    await page.goto(`${addressOf(sale)}/seats`);
    expect(new URL(page.url()).pathname).toBe(`/sales/${sale}`);
  });

  test('nothing is wider than a phone, and every control is large enough to touch', async () => {
    const sale = await freeSale(shop, accessibleHall);
    const { page } = await visit(chrome, addressOf(sale), { viewport: { width: 320, height: 640 } });
    const measure = () =>
      page.evaluate(`({
        overflow: document.documentElement.scrollWidth - innerWidth,
        small: [...document.querySelectorAll('button, select, input:not([type=hidden]):not([type=checkbox]), summary')]
          .filter((control) => control.checkVisibility() && control.getBoundingClientRect().height < 44)
          .map((control) => control.outerHTML),
      })`);
    expect(await measure()).toEqual({ overflow: 0, small: [] });
    await page.getByRole('button', { name: 'Join the queue' }).click();
    await page.waitForURL(/\/seats$/);
    expect(await measure()).toEqual({ overflow: 0, small: [] });
  });
});

/** Every order of a sale, with what the payment provider remembers of it. */
async function payments(shop: Shop, sale: string) {
  const sql = postgres(shop.databaseUrl, { max: 1 });
  try {
    return await sql`
      select ticket_order.state, authorisations, captures
      from ticket_order left join test_payment on test_payment.payment = ticket_order.id where sale = ${sale}`;
  } finally {
    await sql.end();
  }
}
