import { createHash, createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { newId } from '#shared/ids.ts';
import { ID_BYTES, ID_LENGTH, textsOf } from './lobby-ids.ts';
import { lobbyOrder } from './order.ts';
import { rankFour } from './rank-four.ts';

const textOf = (ids: string[]): Buffer => Buffer.from(ids.join(''), 'latin1');
const split = (texts: Uint8Array): string[] =>
  Array.from({ length: texts.length / ID_LENGTH }, (_, i) =>
    Buffer.from(texts.subarray(i * ID_LENGTH, (i + 1) * ID_LENGTH)).toString('latin1'),
  );

/** By node:crypto, sorted all at once. */
function byTheRule(ids: string[], key: Buffer): string[] {
  const ranks = new Map(ids.map((id) => [id, createHmac('sha256', key).update(id).digest('hex')]));
  return [...ids].sort((a, b) => (ranks.get(a)! < ranks.get(b)! ? -1 : 1));
}

const calculators = [
  ['four at a time', rankFour()],
  ['one by one, where the processor cannot', null],
] as const;

test.each(calculators)('digest and order are those of node:crypto, for any number of ids: %s', (_, four) => {
  for (const size of [1, 2, 3, 4, 5, 63, 4_095, 4_096, 4_097, 9_001]) {
    const ids = Array.from({ length: size }, newId);
    const lobby = lobbyOrder(four);
    lobby.add(textOf(ids));
    const sorted = [...ids].sort();
    const digest = createHash('sha256').update(sorted.join('\n')).digest('hex');
    expect(lobby.digest()).toEqual({ entries: size, digest });
    // Seed, digest and a beacon: longer than a block of SHA-256.
    const key = Buffer.concat([randomBytes(32), Buffer.from(digest, 'hex'), Buffer.from('a beacon’s value')]);
    lobby.arrange(key);
    const { texts, bytes } = lobby.slice(0, size + 10);
    expect(split(texts)).toEqual(byTheRule(ids, key));
    expect(Buffer.from(textsOf(bytes))).toEqual(Buffer.from(texts));
    expect(bytes.length).toBe(size * ID_BYTES);
  }
});

test('the calculator that works four at a time is there on this machine', () => {
  expect(rankFour()).not.toBeNull();
});

test('whoever left is not drawn, whoever was read twice is drawn once, in whatever order that is heard', () => {
  const ids = Array.from({ length: 50 }, newId);
  const lobby = lobbyOrder();
  lobby.add(textOf(ids.slice(0, 30)));
  lobby.remove(textOf([ids[40] as string, ids[3] as string]));
  lobby.digest();
  lobby.add(textOf(ids.slice(20)));
  lobby.remove(textOf([ids[40] as string]));
  const { entries, digest } = lobby.digest();
  const kept = ids.filter((_, i) => i !== 3 && i !== 40).sort();
  expect(entries).toBe(48);
  expect(digest).toBe(createHash('sha256').update(kept.join('\n')).digest('hex'));
});

test('ids whose HMACs begin alike are parted by the rest', () => {
  const ids = Array.from({ length: 64 }, newId);
  // A calculator by which all HMACs begin with the same bits.
  const alike = { ...rankFour()!, run: () => undefined };
  alike.ranks.fill(7);
  const lobby = lobbyOrder(alike);
  lobby.add(textOf(ids));
  lobby.digest();
  const key = randomBytes(64);
  lobby.arrange(key);
  expect(split(lobby.slice(0, 64).texts)).toEqual(byTheRule(ids, key));
});

test.each(['fan-1', 'AAAAAAAAAAB', 'AAAA AAAAAA', 'AAAAAAAAAA~'])('%j is no id', (text) => {
  expect(() => lobbyOrder().add(Buffer.from(text))).toThrow(/id/);
});
