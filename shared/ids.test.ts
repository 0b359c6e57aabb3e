import { expect, test } from 'vitest';
import { idPattern, newId, newSecretId } from './ids.ts';

test('ids are 64 and 128 bits in base64url, and none comes twice, however many are made', () => {
  const ids = Array.from({ length: 20_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) {
    expect(id).toMatch(idPattern);
    expect(id).toHaveLength(11);
  }
  // 64 bits: what can be written can be read back, without a bit left over.
  for (const id of ids.slice(0, 100)) expect(Buffer.from(id, 'base64url').toString('base64url')).toBe(id);
  expect(newSecretId()).toHaveLength(22);
});
