import { afterEach, test } from 'vitest';
import { type ServiceName, type Shop, startShop } from '../testing/shop.ts';
import { expectPromisesKept, sellOut } from './sell-out.ts';

let shop: Shop | undefined;
afterEach(async () => {
  await shop?.stop();
  shop = undefined;
});

test('200 fans buy 200 seats through 30 places, each once, nobody overtaken', async () => {
  shop = await startShop();
  await expectPromisesKept(shop, await sellOut(shop, {}));
}, 120_000);

test('two gateways keep the same promises while each service is killed in the middle', async () => {
  shop = await startShop({ gateways: 2 });
  const running = shop;
  const killAndRestart = (name: ServiceName) => async () => {
    await running.kill(name);
    await running.restart(name);
  };
  await expectPromisesKept(
    running,
    await sellOut(running, {
      20: killAndRestart('gateway-1'),
      70: killAndRestart('booking'),
      100: killAndRestart('worker'),
      120: killAndRestart('gateway-2'),
    }),
  );
}, 120_000);

test('the one gateway is killed in the middle and nobody loses a place', async () => {
  shop = await startShop();
  const running = shop;
  await expectPromisesKept(
    running,
    await sellOut(running, {
      60: async () => {
        await running.kill('gateway-1');
        await running.restart('gateway-1');
      },
    }),
  );
}, 120_000);
