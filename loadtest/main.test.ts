import { expect, test } from 'vitest';
import { gatewaysAsked } from './main.ts';

test('gateways are counted behind the addresses of the shop that runs here, and unknown behind others', () => {
  const one = ['http://127.0.0.1:1'];
  const four = [1, 2, 3, 4].map((port) => `http://127.0.0.1:${port}`);
  expect(gatewaysAsked({ gatewayUrls: one, gatewaysBehind: 2 }, one)).toBe(2);
  expect(gatewaysAsked({ gatewayUrls: four, gatewaysBehind: 1 }, four)).toBe(4);
  expect(gatewaysAsked({ gatewayUrls: four, gatewaysBehind: 1 }, one)).toBe(1);
  expect(gatewaysAsked({ gatewayUrls: one, gatewaysBehind: 2 }, four)).toBeNull();
  expect(gatewaysAsked({ gatewayUrls: one, gatewaysBehind: null }, one)).toBeNull();
});
