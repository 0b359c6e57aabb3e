import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startShop } from './shop.ts';

const status = async (url: string): Promise<number> => (await fetch(`${url}/readyz`)).status;

test('a killed gateway is gone at once, leaves the others up, and comes back on its port', async () => {
  const shop = await startShop({ gateways: 2, worker: false });
  try {
    const [first = '', second = ''] = shop.gatewayUrls;
    await shop.kill('gateway-2');
    await expect(status(second)).rejects.toThrow();
    expect(await status(first)).toBe(200);
    await shop.restart('gateway-2');
    expect(await status(second)).toBe(200);
  } finally {
    await shop.stop();
  }
});

test('a stopped shop leaves nothing behind', async () => {
  const shop = await startShop();
  await shop.stop();
  for (const url of [...shop.gatewayUrls, shop.bookingUrl]) await expect(status(url)).rejects.toThrow();
  expect(existsSync(shop.dataDir)).toBe(false);
});

test('a service that cannot start says why, and the rest of the shop is ended', async () => {
  await expect(startShop({ env: { INTERNAL_SECRET: 'short' } })).rejects.toThrow(
    /INTERNAL_SECRET: must have/,
  );
});
