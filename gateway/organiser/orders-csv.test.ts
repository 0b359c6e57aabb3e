import { expect, test } from 'vitest';
import type { OrderListAnswer, OrganiserOrder } from '#shared/contract/organiser.ts';
import { Problem } from '#shared/problem.ts';
import { ordersCsv } from './orders-csv.ts';

const order = (over: Partial<OrganiserOrder> = {}): OrganiserOrder => ({
  order: 'an-order',
  sale: 'a-sale',
  state: 'confirmed',
  failure: null,
  buyer: { name: 'Ada', email: 'ada@example.org' },
  seats: [
    { seat: 'A-1-1', price: { amount: 6_500, currency: 'EUR' } },
    { seat: 'A-1-2', price: { amount: 6_500, currency: 'EUR' } },
  ],
  total: { amount: 13_000, currency: 'EUR' },
  createdAt: '2026-12-01T10:00:00.000Z',
  ...over,
});

const head = 'order,state,failure,createdAt,buyerName,buyerEmail,quantity,seats,total,currency';

const csvOf = async (...orders: OrganiserOrder[]): Promise<string[]> => {
  const csv = await ordersCsv(async () => ({ orders, next: null }));
  return (await new Response(csv as ReadableStream).text()).split('\r\n');
};

test('an order is a row under one head, quoted where RFC 4180 says so', async () => {
  expect(await csvOf(order({ buyer: { name: 'Zoë "Z", Ltd', email: 'z@example.org' } }))).toEqual([
    head,
    'an-order,confirmed,,2026-12-01T10:00:00.000Z,"Zoë ""Z"", Ltd",z@example.org,2,"A-1-1, A-1-2",130.00,EUR',
    '',
  ]);
});

test('a sale without orders is the head alone', async () => {
  expect(await csvOf()).toEqual([head, '']);
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '＝1'])('the name %j is no formula', async (name) => {
  const [, row] = await csvOf(order({ buyer: { name, email: '=cmd@example.org' } }));
  expect(row).toContain(`,'${name},'=cmd@example.org,`);
});

test('an id that begins with a hyphen stays as it is', async () => {
  const [, row] = await csvOf(order({ order: '-abcDEF' }));
  expect(row).toMatch(/^-abcDEF,/);
});

test('amounts have the decimals of their currency', async () => {
  const rows = await csvOf(
    order({ total: { amount: 6_500, currency: 'JPY' } }),
    order({ total: { amount: 6_500, currency: 'KWD' } }),
  );
  expect(rows.slice(1, 3).map((row) => row.split(',').slice(-2))).toEqual([
    ['6500', 'JPY'],
    ['6.500', 'KWD'],
  ]);
});

/** `count` pages of one order each, whose cursors are their numbers; notes what was asked for. */
function pagesOf(count: number) {
  const asked: (string | undefined)[] = [];
  const pages = async (after: string | undefined): Promise<OrderListAnswer> => {
    asked.push(after);
    const number = Number(after ?? 0) + 1;
    return { orders: [order({ order: `order-${number}` })], next: number < count ? String(number) : null };
  };
  return { asked, pages };
}

test('pages are asked for one after the other, no faster than they are read', async () => {
  const { asked, pages } = pagesOf(50);
  const reader = (await ordersCsv(pages)).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let read = 1; ; read += 1) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value as Uint8Array);
    // One is being read, and one waits.
    expect(asked.length).toBeLessThanOrEqual(read + 1);
  }
  expect(text.match(/order-\d+/g)).toEqual(Array.from({ length: 50 }, (_, i) => `order-${i + 1}`));
});

test('a page that cannot be had for a moment is asked for again', async () => {
  const { pages } = pagesOf(3);
  let failures = 2;
  const csv = await ordersCsv(async (after) => {
    if (after === '1' && failures-- > 0) throw new Problem('unavailable', 'away');
    return pages(after);
  }, 1);
  expect(await new Response(csv as ReadableStream).text()).toContain('order-3');
});

test('a file that ends in the middle fails, and one that cannot begin is a problem', async () => {
  const { pages } = pagesOf(3);
  const gone = new Problem('unavailable', 'away');
  const broken = await ordersCsv(async (after) => {
    if (after === '2') throw gone;
    return pages(after);
  }, 1);
  await expect(new Response(broken as ReadableStream).text()).rejects.toThrow();
  await expect(ordersCsv(() => Promise.reject(gone))).rejects.toBe(gone);
});
