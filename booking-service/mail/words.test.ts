import { expect, test } from 'vitest';
import { money } from './words.ts';

test('money has as many decimals as its currency', () => {
  const written = [money(6_500, 'EUR'), money(6_500, 'JPY'), money(6_500, 'KWD'), money(5, 'USD')];
  expect(written.map((text) => text.replace(/[^\d.,]/g, ''))).toEqual(['65.00', '6,500', '6.500', '0.05']);
});
