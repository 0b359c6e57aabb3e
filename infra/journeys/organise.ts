import type { Shop } from '../testing/shop.ts';
import { ask, bearer } from './http.ts';

const DAY_MS = 24 * 3_600_000;

export type Hall = {
  name: string;
  rows: number;
  seatsPerRow: number;
  accessible?: string[];
  companions?: string[];
  /** In cents; €65 unless given. */
  amount?: number;
}[];

/** An event with one sale that is open now, made as an organiser makes it. */
export async function openSale(
  shop: Pick<Shop, 'gatewayUrls' | 'organiserKey'>,
  hall: Hall,
  settings: Record<string, unknown>,
): Promise<string> {
  const [gateway] = shop.gatewayUrls;
  const headers = bearer(shop.organiserKey);
  const event = await ask<{ event: string }>('POST', `${gateway}/api/organiser/events`, {
    headers,
    json: {
      name: 'Nora & the Night Trains',
      venue: 'Harbour Hall',
      startsAt: new Date(Date.now() + 60 * DAY_MS).toISOString(),
      timeZone: 'Europe/Berlin',
      sections: hall.map(({ amount = 6_500, ...section }) => ({
        ...section,
        price: { amount, currency: 'EUR' },
      })),
    },
  });
  if (event.status !== 201) throw new Error(`no event: ${JSON.stringify(event.body)}`);
  const sale = await ask<{ sale: string }>(
    'POST',
    `${gateway}/api/organiser/events/${event.body.event}/sales`,
    {
      headers,
      json: { name: 'General sale', opensAt: new Date(Date.now() - 1_000).toISOString(), ...settings },
    },
  );
  if (sale.status !== 201) throw new Error(`no sale: ${JSON.stringify(sale.body)}`);
  return sale.body.sale;
}

/** One command of the organiser to a sale: `open`, `pause`, `draw/beacon` ... */
export const command = (
  shop: Pick<Shop, 'gatewayUrls' | 'organiserKey'>,
  sale: string,
  name: string,
  json: object = {},
) =>
  ask('POST', `${shop.gatewayUrls[0]}/api/organiser/sales/${sale}/${name}`, {
    headers: bearer(shop.organiserKey),
    json,
  });
