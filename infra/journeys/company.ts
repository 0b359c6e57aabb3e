import { createFan, type Fan } from './fan.ts';
import { type Hall, openSale } from './organise.ts';
import type { OpenShop } from './sell-out.ts';

const JOURNEY_MS_MAX = 120_000;

/** Fans of the API, who have not joined yet. */
export const fansOf = (shop: OpenShop, sale: string, name: string, count: number): Fan[] =>
  Array.from({ length: count }, (_, i) =>
    createFan(shop.gatewayUrls, sale, `${name}-${i}`, Date.now() + JOURNEY_MS_MAX),
  );

/** A fan of the API who is in the shop. */
export async function rivalOf(shop: OpenShop, sale: string): Promise<Fan> {
  const [rival] = fansOf(shop, sale, 'rival', 1) as [Fan];
  await rival.join();
  await rival.queueUp();
  return rival;
}

/** A sale with room for whoever comes. */
export const freeSale = (
  shop: OpenShop,
  hall: Hall,
  settings: Record<string, unknown> = {},
): Promise<string> => openSale(shop, hall, { capacity: 5, admitPerMinute: 6_000, ...settings });

/** The access codes of those two, for a sale that asks for one. */
export const BUSY_CODES = ['inside', 'next'] as const;

/** A shop for one with somebody in it and somebody waiting: whoever joins now is third, at position 2. */
export async function busySale(shop: OpenShop, hall: Hall, settings: Record<string, unknown> = {}) {
  const sale = await openSale(shop, hall, { capacity: 1, admitPerMinute: 6_000, ...settings });
  const [inside, next] = BUSY_CODES.map((accessCode) =>
    createFan(shop.gatewayUrls, sale, accessCode, Date.now() + JOURNEY_MS_MAX, { accessCode }),
  ) as [Fan, Fan];
  await inside.join();
  await inside.queueUp();
  await next.join();
  return { sale, inside, next };
}
