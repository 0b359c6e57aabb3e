import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchChrome } from '../testing/chrome.ts';
import { type Shop, startShop } from '../testing/shop.ts';

/** A shop and a browser, from before the first test of a group until after its last; no test finds a page of another. */
export function withShopAndChrome(
  take: (shop: Shop, chrome: Browser) => void,
  start: () => Promise<Shop> = startShop,
): void {
  let shop: Shop | undefined;
  let chrome: Browser | undefined;
  beforeAll(async () => {
    [shop, chrome] = await Promise.all([start(), launchChrome()]);
    take(shop, chrome);
  });
  afterEach(async () => {
    await Promise.all((chrome?.contexts() ?? []).map((context) => context.close()));
  });
  afterAll(async () => {
    await chrome?.close();
    await shop?.stop();
  });
}
