import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { createFan, type Fan } from './fan.ts';
import { type Hall, openSale } from './organise.ts';
import type { OpenShop } from './sell-out.ts';

export const PAGE_MS_MAX = 20_000;
const JOURNEY_MS_MAX = 120_000;
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, locale: 'en-GB' };

/** One browser of one person: its first page, and what any of its pages complained of. */
export type Visitor = { context: BrowserContext; page: Page; faults: string[] };

export async function createVisitor(
  chrome: Browser,
  { init = '', ...options }: BrowserContextOptions & { init?: string } = {},
): Promise<Visitor> {
  const context = await chrome.newContext({ ...phone, ...options });
  context.setDefaultTimeout(PAGE_MS_MAX);
  if (init) await context.addInitScript(init);
  const faults: string[] = [];
  context.on('weberror', (error) => faults.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  return { context, page: await context.newPage(), faults };
}

/** Fans of the API, who have not joined yet. */
export const fansOf = (shop: OpenShop, sale: string, name: string, count: number): Fan[] =>
  Array.from({ length: count }, (_, i) =>
    createFan(shop.gatewayUrls, sale, `${name}-${i}`, Date.now() + JOURNEY_MS_MAX),
  );

/** A shop for one with somebody in it and somebody waiting: whoever joins now is third, at position 2. */
export async function busySale(shop: OpenShop, hall: Hall, settings: Record<string, unknown> = {}) {
  const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 6_000, ...settings });
  const [inside, next] = fansOf(shop, sale, 'other', 2) as [Fan, Fan];
  await inside.join();
  await inside.queueUp();
  await next.join();
  return { sale, inside, next };
}
