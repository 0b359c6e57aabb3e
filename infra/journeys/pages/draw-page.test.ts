import type { Browser } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { chromePath } from '../../testing/chrome.ts';
import type { Shop } from '../../testing/shop.ts';
import { withShopAndChrome } from '../browser.ts';
import { createFan } from '../fan.ts';
import { ask } from '../http.ts';
import { command, openSale } from '../organise.ts';
import { visit } from '../visitor.ts';

const FANS = 40;
const hall = [{ name: 'A', rows: 3, seatsPerRow: 10 }];

describe.skipIf(!chromePath)('the draw, in a real browser', () => {
  let shop: Shop;
  let chrome: Browser;
  withShopAndChrome((...given) => {
    [shop, chrome] = given;
  });

  const api = () => `${shop.gatewayUrls[0]}/api`;
  const draw = async (sale: string) => (await ask<DrawAnswer>('GET', `${api()}/sales/${sale}/draw`, {})).body;
  const until = async (sale: string, state: DrawAnswer['state']): Promise<DrawAnswer> => {
    for (;;) {
      const now = await draw(sale);
      if (now.state === state) return now;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  /** A sale whose lobby opens in a moment, and everybody in it once it has. */
  async function lobby(settings: Record<string, unknown> = {}): Promise<string> {
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    const sale = await openSale(shop, hall, {
      capacity: 1,
      admitPerMinute: 60,
      lobbyOpensAt: at(-1_000),
      opensAt: at(600_000),
      ...settings,
    });
    const patience = Date.now() + 20_000;
    const joins = Array.from({ length: FANS }, (_, i) =>
      createFan(shop.gatewayUrls, sale, `fan-${i}`, patience).join(),
    );
    for (const { state } of await Promise.all(joins)) expect(state).toBe('lobby');
    return sale;
  }

  test('a fan of the lobby computes the draw again and finds the own place; a false draw is told apart, whatever is false', async () => {
    const sale = await lobby();
    const { page, faults } = await visit(chrome, `${shop.gatewayUrls[0]}/sales/${sale}`);
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await page.waitForSelector('text=You are in the lobby');
    expect((await command(shop, sale, 'open')).status).toBe(200);
    const { ids, commitment, digestAt } = await until(sale, 'drawn');

    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}/draw`);
    expect(await page.innerText('main')).toContain(commitment!);
    const id = await page.inputValue('#id');
    expect(ids).toContain(id);
    await page.getByRole('button', { name: 'Compute the order again' }).click();
    await page.waitForSelector('text=your browser has computed the same order');
    expect(await page.innerText('main')).toContain(`the id ${id} is number ${ids!.indexOf(id) + 1} of 41`);
    await page.fill('#id', 'AAAAAAAAAAA');
    await page.getByRole('button', { name: 'Find this id' }).click();
    await page.waitForSelector('text=is not in this draw');

    // The same page is served draws that are not what they say.
    let planted: Partial<DrawAnswer> = {};
    await page.route(`**/api/sales/${sale}/draw`, async (route) => {
      const answer = (await (await route.fetch()).json()) as DrawAnswer;
      await route.fulfill({ json: { ...answer, ...planted } });
    });
    const [first, second, ...rest] = ids!;
    const named = { name: 'a lottery', rule: 'its digits', from: digestAt!, url: null, field: null };
    const later = new Date(Date.parse(digestAt!) + 1_000).toISOString();
    const lies: [Partial<DrawAnswer>, found: string][] = [
      [{ ids: [second!, first!, ...rest] }, 'Number 2 stands where the rule does not put it'],
      [{ ids: [], entries: 0 }, 'The ids are not those whose fingerprint was published'],
      [{ ids: [`${first}\n${second}`, ...rest], entries: FANS }, 'number 1 is not an id'],
      [{ sale: 'another' }, 'the draw of the sale another'],
      [{ beacon: '' }, 'that had not been named'],
      [{ beaconSource: { ...named, from: later } }, 'no value of it is mixed in'],
      [{ beaconSource: named, beacon: '' }, 'whoever runs the sale could choose the outcome'],
    ];
    for (const [lie, found] of lies) {
      planted = lie;
      await page.reload();
      await page.getByRole('button', { name: 'Compute the order again' }).click();
      await page.waitForSelector('text=This draw is NOT what it says');
      expect(await page.innerText('main')).toContain(found);
    }
    planted = { beaconSource: { ...named, from: later }, beacon: '' };
    await page.reload();
    await page.getByRole('button', { name: 'Compute the order again' }).click();
    await page.waitForSelector('text=your browser has computed the same order');
    expect(faults).toEqual([]);
  });

  test('a sale that was closed before it opened promises no draw', async () => {
    const from = new Date(Date.now() + 3_600_000).toISOString();
    const sale = await lobby({ beacon: { name: 'a lottery', rule: 'its digits', from } });
    const { page, faults } = await visit(chrome, `${shop.gatewayUrls[0]}/sales/${sale}/draw`);
    expect(await page.innerText('main')).toContain('The draw is held when the sale opens');
    expect((await command(shop, sale, 'close')).status).toBe(200);
    await page.reload();
    const closed = await page.innerText('main');
    expect(closed).toContain('The sale was closed before it opened. Nobody of the lobby has a number');
    expect(closed).not.toMatch(/when the sale opens|at the opening$|after the draw|not known yet/m);
    expect(faults).toEqual([]);
  });

  test('a draw that waits for its beacon says so, and without which it was made', async () => {
    const beacon = {
      name: 'the lottery’s bonus number',
      rule: 'its digits',
      from: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const sale = await lobby({ beacon });
    const { page, faults } = await visit(chrome, `${shop.gatewayUrls[0]}/sales/${sale}`, {
      javaScriptEnabled: false,
    });
    await page.waitForURL(/\/place$/);
    await page.getByRole('button', { name: 'Enter the lobby' }).click();
    await command(shop, sale, 'open');
    const { digest } = await until(sale, 'awaitingBeacon');
    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}/place`);
    expect(await page.innerText('main')).toContain('the lottery’s bonus number');
    await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}/draw`);
    const waiting = await page.innerText('main');
    expect(waiting).toContain('The draw waits for its public value');
    expect(waiting).toContain(digest!);

    expect((await command(shop, sale, 'draw/beacon', { value: '17' })).status).toBe(409);
    const reason = { reason: 'The lottery <b>was</b> cancelled.' };
    expect((await command(shop, sale, 'draw/without-beacon', reason)).status).toBe(200);
    const { ids } = await until(sale, 'drawn');
    await page.reload();
    const drawn = await page.innerText('main');
    expect(drawn).toContain('Seed and list alone decide');
    expect(drawn).toContain('The lottery <b>was</b> cancelled.');
    expect(drawn).toContain('What this does not prove\n');
    expect(drawn).toContain('did not choose the outcome');
    expect(ids!.some((id) => drawn.includes(id))).toBe(true);
    expect(faults).toEqual([]);
  });
});
