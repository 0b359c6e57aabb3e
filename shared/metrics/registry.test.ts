import { expect, test } from 'vitest';
import { counter, exposition, gauge, histogram } from './registry.ts';

const linesOf = async (name: string): Promise<string[]> =>
  (await exposition()).split('\n').filter((line) => line.startsWith(name));

test('a counter tells each series once, and what has no labels from the start', async () => {
  const plain = counter('plain_total', 'Plain.');
  const orders = counter('orders_total', 'Orders.', ['sale', 'outcome']);
  expect(await linesOf('plain_total')).toEqual(['plain_total 0']);
  plain.count();
  for (const outcome of ['won', 'taken', 'won']) orders.count('a', outcome);
  orders.add(40, 'b', 'won');
  expect(await linesOf('plain_total')).toEqual(['plain_total 1']);
  expect(await linesOf('orders_total')).toEqual([
    'orders_total{sale="a",outcome="won"} 2',
    'orders_total{sale="a",outcome="taken"} 1',
    'orders_total{sale="b",outcome="won"} 40',
  ]);
});

test('a histogram counts a value in every bucket that is not below it', async () => {
  const waits = histogram('waits_seconds', 'Waits.', ['of'], [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 3]) waits.observe(value, 'x');
  expect(await linesOf('waits_seconds')).toEqual([
    'waits_seconds_bucket{of="x",le="0.1"} 2',
    'waits_seconds_bucket{of="x",le="1"} 3',
    'waits_seconds_bucket{of="x",le="+Inf"} 4',
    'waits_seconds_sum{of="x"} 3.65',
    'waits_seconds_count{of="x"} 4',
  ]);
});

test('of many sales the latest are told: what is counted stays bounded', async () => {
  const seen = counter('seen_total', 'Seen.', ['sale']);
  for (let i = 0; i < 1_500; i += 1) seen.count(`sale-${i}`);
  const lines = await linesOf('seen_total');
  expect(lines).toHaveLength(1_000);
  expect(lines.at(0)).toBe('seen_total{sale="sale-500"} 1');
  seen.count('sale-0');
  expect((await linesOf('seen_total')).at(-1)).toBe('seen_total{sale="sale-0"} 1');
});

test('a series that gives way takes no other one of its sale with it, and none is told twice', async () => {
  const seen = counter('seen_ways_total', 'Seen.', ['sale', 'way', 'how']);
  const twice = async (): Promise<string[]> => {
    const names = (await linesOf('seen_ways_total')).map((line) => line.split(' ')[0] as string);
    return names.filter((name, i) => names.indexOf(name) !== i);
  };
  seen.count('first', 'a', 'x');
  for (let i = 0; i < 999; i += 1) seen.count(`sale-${i}`, 'a', 'x');
  // The oldest is the only one of its sale, which is just counted in another way.
  seen.count('first', 'b', 'x');
  seen.count('first', 'b', 'x');
  expect((await linesOf('seen_ways_total')).at(-1)).toBe('seen_ways_total{sale="first",way="b",how="x"} 2');
  // The oldest is one of two of its sale.
  seen.count('sale-1', 'b', 'x');
  seen.count('sale-new', 'a', 'x');
  seen.count('sale-1', 'b', 'x');
  expect(await twice()).toEqual([]);
  expect(await linesOf('seen_ways_total')).toContain('seen_ways_total{sale="sale-1",way="b",how="x"} 2');
});

test('what cannot be read is left out and counted; everything else is told', async () => {
  gauge('broken', 'Broken.', [], () => Promise.reject(new Error('away')));
  gauge('whole', 'Whole.', [], () => [[[], 1]]);
  expect(await linesOf('broken')).toEqual([]);
  expect(await linesOf('whole')).toEqual(['whole 1']);
  const unread = await linesOf('admit_one_metrics_unread_total');
  expect(unread).toContainEqual(expect.stringMatching(/\{metric="broken"\} [1-9]/));
});

test('a value cannot break out of its label, and a metric is named once', async () => {
  counter('odd_total', 'Odd.', ['of']).count('a"} 1\nb\\');
  expect(await linesOf('odd_total')).toEqual(['odd_total{of="a\\"} 1\\nb\\\\"} 1']);
  expect(() => counter('odd_total', 'Odd again.')).toThrow('odd_total');
});
