import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EventAnswer, LayoutAnswer } from '#shared/contract/event.ts';
import { EventsAnswer, EventWithSalesAnswer } from '#shared/contract/sale.ts';
import { newId } from '#shared/ids.ts';
import { type GatewayFixture, gatewayFixture, problem } from '../testing/gateway-fixture.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { rememberFacts } from './facts.ts';

const sections = [
  { name: 'A', rows: 10, seatsPerRow: 10, price: { amount: 6_500, currency: 'EUR' } },
  { name: 'B', rows: 10, seatsPerRow: 10, price: { amount: 4_000, currency: 'EUR' } },
];

let g: GatewayFixture;
beforeEach(async () => {
  g = await gatewayFixture();
});
afterEach(() => g.close());

/** An event that another gateway has heard of; the booking service is away. */
async function event(facts: Partial<EventAnswer> = {}): Promise<string> {
  const id = newId();
  const answer: EventAnswer = {
    event: id,
    name: 'Nora & the Night Trains',
    venue: 'Harbour Hall',
    startsAt: g.inSeconds(86_400),
    timeZone: 'Europe/Berlin',
    ...{ sections, seats: 200, layoutVersion: 1, ...facts },
  };
  const layout: LayoutAnswer = { event: id, version: 1, sections };
  await told('event', EventAnswer, id, answer);
  await told('layout', LayoutAnswer, `${id}/1`, layout);
  return id;
}

async function told(
  kind: 'event' | 'layout',
  schema: typeof EventAnswer | typeof LayoutAnswer,
  key: string,
  fact: object,
) {
  const ask = async () => fact;
  const options = { store: g.store, kind, schema, ageMsMax: Number.POSITIVE_INFINITY, log: silentLog };
  await rememberFacts<object>({ ...options, ask, askUnknown: ask }).find(key, { exists: true });
}

const get = async (path: string, headers: Record<string, string> = {}) => g.app.request(path, { headers });

/** The list, once it shows this sale as it should. */
const listed = (is: (events: EventsAnswer['events']) => boolean) =>
  vi.waitUntil(
    async () => {
      const { events } = EventsAnswer.parse(await (await get('/api/events')).json());
      return is(events) ? { events } : false;
    },
    { timeout: 5_000 },
  );

test('the list shows what is or will be on sale, the next concert first, and nothing that is over', async () => {
  const later = await event({ startsAt: g.inSeconds(200_000) });
  const soon = await event();
  const past = await event({ startsAt: g.inSeconds(-86_400) });
  const over = await event();
  const nothingOnSale = await event();
  const sale = await g.sale({ event: soon });
  const closed = await g.sale({ event: soon, closedAt: g.inSeconds(-10) });
  await g.sale({ event: later, opensAt: g.inSeconds(3_600) });
  await g.sale({ event: past });
  await g.sale({ event: over, closedAt: g.inSeconds(-10) });

  const { events } = await listed((all) => all.length === 2);
  expect(events.map((each) => each.event)).toEqual([soon, later]);
  expect(events[0]).toMatchObject({ name: 'Nora & the Night Trains', seats: 200 });
  expect(events[0]!.sales).toMatchObject([
    { sale, state: 'open', lowestPrice: { amount: 6_500 }, left: null },
  ]);
  expect(events[1]!.sales).toMatchObject([{ state: 'scheduled' }]);

  const one = EventWithSalesAnswer.parse(await (await get(`/api/events/${soon}`)).json());
  expect(one.sections).toEqual(sections);
  expect(one.sales.map((each) => [each.sale, each.state])).toEqual([
    [sale, 'open'],
    [closed, 'closed'],
  ]);
  expect(await (await get(`/api/events/${nothingOnSale}`)).json()).toMatchObject({ sales: [] });
});

test.each([
  ['/api/events', /^public, max-age=1, stale-while-revalidate=\d/],
  ['/api/events/EVENT', /^public, max-age=1, stale-while-revalidate=\d/],
  ['/api/events/EVENT/layout/1', /^public, max-age=31536000, immutable$/],
  ['/', /^public, max-age=1, stale-while-revalidate=\d/],
  ['/events/EVENT', /^public, max-age=1, stale-while-revalidate=\d/],
])('%s is fit for a shared cache, and revalidated by its tag', async (path, cacheControl) => {
  const id = await event();
  await g.sale({ event: id });
  await listed((all) => all.length === 1);
  const address = path.replace('EVENT', id);
  const first = await get(address, { cookie: 'whose=mine' });
  expect(first.status).toBe(200);
  expect(first.headers.get('cache-control')).toMatch(cacheControl);
  // Pages differ by the language that a browser asks for, and by nothing else.
  expect(first.headers.get('vary')).toBe(path.startsWith('/api') ? null : 'accept-language');
  expect(first.headers.get('set-cookie')).toBeNull();
  const etag = first.headers.get('etag') ?? '';
  const body = await first.text();
  const again = await get(address);
  expect([again.headers.get('etag'), await again.text()]).toEqual([etag, body]);
  for (const known of [etag, `W/${etag}`, `"x", W/${etag}`, '*']) {
    const revalidated = await get(address, { 'if-none-match': known });
    expect(revalidated.status).toBe(304);
    expect(revalidated.headers.get('etag')).toBe(etag);
    expect(revalidated.headers.get('cache-control')).toMatch(cacheControl);
    expect(await revalidated.text()).toBe('');
  }
  expect((await get(address, { 'if-none-match': '"other"' })).status).toBe(200);
  const head = await g.app.request(address, { method: 'HEAD' });
  expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, '']);
});

test('a change of a sale is a new tag, and nothing else is', async () => {
  const id = await event();
  const sale = await g.sale({ event: id, version: 1 });
  await listed((all) => all.length === 1);
  const before = (await get('/api/events')).headers.get('etag');
  await g.post(`/api/sales/${sale}/queue`);
  expect((await get('/api/events')).headers.get('etag')).toBe(before);
  await g.organise('POST', `/sales/${sale}/pause`, {});
  await listed(([first]) => first?.sales[0]?.state === 'paused');
  expect((await get('/api/events')).headers.get('etag')).not.toBe(before);
});

test('the order does not depend on which sale a process met first', async () => {
  for (let i = 0; i < 3; i += 1) {
    const id = await event();
    for (let n = 0; n < 3; n += 1) await g.sale({ event: id });
  }
  const answers = await listed((all) => all.length === 3 && all.every(({ sales }) => sales.length === 3));
  const sorted = answers.events.flatMap(({ sales }) => sales.map(({ sale }) => sale));
  expect(sorted).toHaveLength(9);
  for (const { sales } of answers.events) {
    expect(sales).toEqual([...sales].sort((a, b) => (a.sale < b.sale ? -1 : 1)));
  }
});

test('pages show what organisers wrote as text', async () => {
  const id = await event({ name: '<script>alert(1)</script>', venue: '"><img src=x>' });
  await g.sale({ event: id, name: '<b>now</b>' });
  await listed((all) => all.length === 1);
  for (const path of ['/', `/events/${id}`]) {
    const page = await get(path);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await page.text();
    expect(text).not.toMatch(/<script>alert|<img|<b>/);
    expect(text).toContain('&lt;b&gt;now');
  }
});

test('unknown events are not found or not known at the moment, are not cached, and leave no key', async () => {
  const id = await event();
  await g.sale({ event: id });
  await listed((all) => all.length === 1);
  const before = (await g.redis.keys('*')).sort();
  for (const unknown of [newId(), 'x'.repeat(41), 'a%2Fb', '__proto__', 'a%00', 'a,b', '%2e%2e']) {
    for (const path of [`/api/events/${unknown}`, `/api/events/${unknown}/layout/1`]) {
      const answer = await get(path);
      expect([404, 503]).toContain(answer.status);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  }
  for (const version of ['0', '2', '-1', '1e3', '1.0', '99999999999999']) {
    expect(await problem(get(`/api/events/${id}/layout/${version}`))).toMatchObject({ code: 'not-found' });
  }
  expect((await g.redis.keys('*')).sort()).toEqual(before);
});
