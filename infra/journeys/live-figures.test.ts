import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { type Shop, startShop } from '../testing/shop.ts';
import { createFan } from './fan.ts';
import { bearer } from './http.ts';
import { openSale } from './organise.ts';

const JOURNEY_MS_MAX = 40_000;
/** A gateway that ends waits for requests under way; streams must not be among them. */
const END_MS_MAX = 4_000;

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ gateways: 2 });
});
afterAll(() => shop?.stop());

type Event = { id: string; stats: StatsAnswer };

/** Server-sent events as a browser reads them; `until` resolves with the first event that fits, null at the end. */
async function follow(gateway: number, sale: string, headers: Record<string, string> = {}) {
  const url = `${shop.gatewayUrls[gateway]}/api/organiser/sales/${sale}/stats/stream`;
  const response = await fetch(url, { headers: { ...bearer(shop.organiserKey), ...headers } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  const next = async (): Promise<Event | null> => {
    for (;;) {
      const end = rest.indexOf('\n\n');
      if (end === -1) {
        const { value, done } = await reader.read();
        if (done) return null;
        rest += value;
        continue;
      }
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const id = /^id: (.+)$/m.exec(block)?.[1];
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (id && data) return { id, stats: JSON.parse(data) };
    }
  };
  const until = async (fits: (stats: StatsAnswer) => boolean): Promise<Event | null> => {
    let event = await next();
    while (event && !fits(event.stats)) event = await next();
    return event;
  };
  return { next, until, cancel: () => reader.cancel() };
}

test('an organiser watches fans come, shop and finish at every gateway; the figures add up in each event', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 2, seatsPerRow: 5 }], {
    capacity: 1,
    admitPerMinute: 6_000,
  });
  const events: StatsAnswer[] = [];
  const watchers = [await follow(0, sale), await follow(1, sale)];
  const both = (fits: (stats: StatsAnswer) => boolean) =>
    Promise.all(
      watchers.map(async (watcher) => {
        const event = await watcher.until((stats) => {
          events.push(stats);
          return fits(stats);
        });
        expect(event).not.toBeNull();
        return event!;
      }),
    );

  const [ada, ben] = ['ada', 'ben'].map((key) =>
    createFan(shop.gatewayUrls, sale, key, Date.now() + JOURNEY_MS_MAX),
  );
  await ada!.join();
  await ben!.join();
  await ada!.queueUp();
  await both((stats) => stats.joined === 2 && stats.admitted === 1 && stats.waiting === 1);
  const held = await ada!.shop<{ hold: string }>('POST', '/holds', { best: { quantity: 2 } });
  await both((stats) => stats.seats?.held === 2);
  const order = {
    hold: held.body.hold,
    buyer: { name: 'A', email: 'a@example.org' },
    payment: { token: 'tok_ok' },
  };
  expect((await ada!.shop('POST', '/orders', order, 'pay')).status).toBe(201);
  const last = await both(
    (stats) => stats.ended.finished === 1 && stats.seats?.sold === 2 && stats.ready === 1,
  );
  for (const { joined, lobby, waiting, ready, admitted, ended } of events) {
    const sum =
      lobby + waiting + ready + admitted + Object.values(ended).reduce((all, count) => all + count, 0);
    expect(sum).toBe(joined);
  }
  const door = last.map(({ stats }) => stats.door);
  expect(door.reduce((sum, { requests }) => sum + requests, 0)).toBe(2);
  expect(door.every(({ errors }) => errors === 0)).toBe(true);
  await Promise.all(watchers.map((watcher) => watcher.cancel()));
});

test('a gateway ends at once however many watch; whoever comes back hears only what is new', async () => {
  const sale = await openSale(shop, [{ name: 'A', rows: 1, seatsPerRow: 5 }], {
    capacity: 1,
    admitPerMinute: 60,
  });
  const watchers = await Promise.all(Array.from({ length: 20 }, () => follow(0, sale)));
  const firsts = await Promise.all(watchers.map((watcher) => watcher.next()));
  // Figures may still come before the end.
  const ends = Promise.all(watchers.map((watcher) => watcher.until(() => false)));
  const endedFrom = performance.now();
  const restarted = shop.restart('gateway-1');
  expect(await ends).toEqual(watchers.map(() => null));
  expect(performance.now() - endedFrom).toBeLessThan(END_MS_MAX);
  await restarted;
  const back = await follow(0, sale, { 'last-event-id': String(firsts[0]?.id) });
  const fan = createFan(shop.gatewayUrls, sale, 'ada', Date.now() + JOURNEY_MS_MAX);
  await fan.join();
  // What it is told before that is new too: a gateway that has just started has yet to hear of the seats.
  const heard: Event[] = [];
  while (heard.at(-1)?.stats.joined !== 1) {
    const event = await back.next();
    if (!event) throw new Error('the stream ended');
    heard.push(event);
  }
  const ids = [firsts[0]?.id, ...heard.map(({ id }) => id)];
  expect(ids.every((id, i) => i === 0 || id !== ids[i - 1])).toBe(true);
  await back.cancel();
});
