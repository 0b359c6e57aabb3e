import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { launchChrome } from '../testing/chrome.ts';
import { type Shop, startShop } from '../testing/shop.ts';

/** A shop and a browser, from before the first test of a group until after its last. */
export function withShopAndChrome(take: (shop: Shop, chrome: Browser) => void): void {
  let shop: Shop | undefined;
  let chrome: Browser | undefined;
  beforeAll(async () => {
    [shop, chrome] = await Promise.all([startShop(), launchChrome()]);
    take(shop, chrome);
  });
  afterAll(async () => {
    await chrome?.close();
    await shop?.stop();
  });
}

/** Without JavaScript the fan looks until it is their turn, and presses the button. */
export async function enterByButton(page: Page, timeoutMs: number): Promise<void> {
  const look = async () => {
    await page.reload();
    return page.innerText('main');
  };
  await expect.poll(look, { timeout: timeoutMs, interval: 300 }).toContain('It is your turn');
  await page.getByRole('button', { name: 'Enter the shop' }).click();
  await page.waitForURL(/\/seats$/);
}
