import { MockAgent } from 'undici';
import { expect, test } from 'vitest';
import type { Beacon } from '#shared/contract/sale.ts';
import { fetchBeacon, isPublicAddress, valueAt } from './beacon.ts';

const beacon = (url: string, field = 'randomness'): Beacon => ({
  name: 'a beacon',
  rule: 'its randomness',
  from: '2026-06-01T10:00:00.000Z',
  url,
  field,
});

/** A source that answers so. */
function source(status: number, body: string, headers: Record<string, string> = {}) {
  const agent = new MockAgent();
  agent.disableNetConnect();
  agent.get('https://beacon.example').intercept({ path: '/round/7' }).reply(status, body, { headers });
  return fetchBeacon(beacon('https://beacon.example/round/7'), agent);
}

test('the value is the text at the field, or a whole number’s digits', async () => {
  expect(await source(200, '{"round":7,"randomness":"c0ffee"}')).toBe('c0ffee');
  expect(valueAt({ results: [{ number: 42 }] }, 'results.0.number')).toBe('42');
});

test.each([
  ['an answer without the field', 200, '{"round":7}'],
  ['a field that is no text', 200, '{"randomness":1.5}'],
  ['a field with a line feed', 200, '{"randomness":"a\\n"}'],
  ['what is no JSON', 200, 'c0ffee'],
  ['a source that does not have it yet', 404, '{"randomness":"c0ffee"}'],
  ['a redirect', 302, ''],
  ['more than a beacon needs', 200, `{"randomness":"c0ffee","rest":"${'x'.repeat(70_000)}"}`],
])('%s is no value', async (_, status, body) => {
  await expect(source(status, body, { location: 'https://elsewhere.example/' })).rejects.toThrow();
});

test('a name of the prototype is no field', () => {
  expect(() => valueAt({}, 'constructor.name')).toThrow('no value');
});

test('only addresses of the public Internet are asked', async () => {
  for (const address of [
    '10.1.2.3',
    '127.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:10.0.0.1',
    'fd00::1',
    'fe80::1',
  ])
    expect(isPublicAddress(address)).toBe(false);
  for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700::1111'])
    expect(isPublicAddress(address)).toBe(true);
  for (const host of ['127.0.0.1', '[::1]', 'localhost', '2130706433'])
    await expect(fetchBeacon(beacon(`https://${host}:9/`))).rejects.toThrow(/public Internet/);
});
