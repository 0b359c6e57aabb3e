import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDrawing } from '../lobby/draw.ts';
import { takePlace } from '../queue/place.ts';
import { type QueueWatch, watchQueues } from '../queue/watch.ts';
import { saleKey } from '../redis/keys.ts';
import type { Store } from '../redis/script.ts';
import { entryOf, type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { keepOpening } from './opening.ts';

let f: QueueFixture;
/** By Redis' own clock, as in a shop. */
let store: Store;
let watch: QueueWatch;
beforeAll(async () => {
  f = await queueFixture();
  store = { redis: f.redis, time: () => null };
  watch = watchQueues(store, silentLog);
});
afterAll(async () => {
  await watch.stop();
  await f.close();
});

const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const drawField = (sale: string, field: string) => f.redis.hget(saleKey(sale, 'draw'), field);

test('a lobby is frozen when its sale opens, not before, and the front of the draw is served at once', async () => {
  const opensAt = at(3_000);
  const sale = await f.sale({ lobbyOpensAt: at(-1_000), opensAt });
  for (let i = 0; i < 5; i += 1)
    await takePlace(store, sale, { ticketEntry: null, keyEntry: entryOf(`fan-${i}`) });
  const served: string[] = [];
  const [drawing, other] = [createDrawing(store), createDrawing(store)];
  const options = {
    store,
    watch,
    drawing,
    giveTurns: async (due: string) => served.push(`${due} ${await drawField(due, 'placed')}`),
    askBeacon: async () => undefined,
    log: silentLog,
  };
  const gateways = [keepOpening(options), keepOpening({ ...options, drawing: other })];
  while ((await drawField(sale, 'state')) !== 'drawn') await wait(10);
  await Promise.all([...gateways.map((stop) => stop()), drawing.stop(), other.stop()]);
  expect(Number(await drawField(sale, 'frozenAt'))).toBeGreaterThanOrEqual(Date.parse(opensAt));
  expect(served).toEqual([`${sale} 5`]);
});

test('a draw that waits for its beacon asks for it, and goes on when it is there', async () => {
  const beacon = { name: 'a beacon', rule: 'its digits', from: at(3_200), url: null, field: null };
  const sale = await f.sale({ lobbyOpensAt: at(-1_000), opensAt: at(3_000), beacon });
  await takePlace(store, sale, { ticketEntry: null, keyEntry: entryOf('fan') });
  let asked = 0;
  const drawing = createDrawing(store);
  const stop = keepOpening({
    store,
    watch,
    drawing,
    giveTurns: async () => undefined,
    askBeacon: async (of) => {
      asked += 1;
      if (asked === 2) await f.redis.hset(saleKey(of, 'draw'), 'state', 'drawing', 'beacon', '17');
    },
    log: silentLog,
  });
  while ((await drawField(sale, 'state')) !== 'drawn') await wait(10);
  await stop();
  await drawing.stop();
  expect(asked).toBeGreaterThanOrEqual(2);
});
