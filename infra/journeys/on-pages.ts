import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { OpenShop } from './sell-out.ts';
import { createVisitor, PAGE_MS_MAX, type Visitor, type VisitorOptions } from './visitor.ts';

const LOOK_MS = 300;

export const pressJoin = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Join the queue' }).click();

export async function joinOnPage(page: Page, shop: OpenShop, sale: string): Promise<void> {
  await page.goto(`${shop.gatewayUrls[0]}/sales/${sale}`);
  await pressJoin(page);
}

/** Joins where others are before one, up to the position. */
export async function joinAndWait(page: Page, shop: OpenShop, sale: string): Promise<void> {
  await joinOnPage(page, shop, sale);
  await page.waitForSelector('text=Position: ');
}

/** A browser of its own that has joined and waits. */
export async function waitingVisitor(
  chrome: Browser,
  shop: OpenShop,
  sale: string,
  options: VisitorOptions = {},
): Promise<Visitor> {
  const visitor = await createVisitor(chrome, options);
  await joinAndWait(visitor.page, shop, sale);
  return visitor;
}

/** The queue number of the place that this page's browser has, as the API tells it. */
export const numberOf = (page: Page): Promise<unknown> =>
  page.evaluate(
    `fetch('/api/sales/' + location.pathname.split('/')[2] + '/queue/me').then((answer) => answer.json()).then((status) => status.queueNumber)`,
  );

/** Joins a sale with room on its page, and is taken in: by itself, or by the button where there is no JavaScript. */
export async function enterShop({ page, hasScripts }: Visitor, shop: OpenShop, sale: string): Promise<void> {
  await joinOnPage(page, shop, sale);
  if (hasScripts) await page.waitForURL(/\/seats$/);
  else await enterByButton(page);
}

/** Without JavaScript the fan looks until it is their turn, and presses the button. */
export async function enterByButton(page: Page): Promise<void> {
  const look = async () => {
    await page.reload();
    return page.innerText('main');
  };
  await expect.poll(look, { timeout: PAGE_MS_MAX, interval: LOOK_MS }).toContain('It is your turn');
  await page.getByRole('button', { name: 'Enter the shop' }).click();
  await page.waitForURL(/\/seats$/);
}

export async function fillInBuyer(page: Page, name = 'Ada'): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('E-mail for the tickets').fill('ada@example.org');
}

/** From the seats to the button that pays: with the best seats held, the form is filled in. */
export async function goToTheTill(page: Page, card: string): Promise<void> {
  await page.getByRole('button', { name: 'Hold the best seats' }).click();
  await fillInBuyer(page);
  await page.getByLabel('Payment').selectOption(card);
}

/** Signs in where the console asks for the key. */
export async function giveKey(page: Page, organiserKey: string): Promise<void> {
  await page.getByLabel('Organiser key').fill(organiserKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
