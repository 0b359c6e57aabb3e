import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTicketMint } from './ticket.ts';

const mint = createTicketMint('a secret of at least thirty-two characters');
const ticket = { sale: 'demo', entry: 'AAAAAAAAAAA', queueNumber: 12_408 };

test('a ticket says what was signed, at the first check and at every later one', () => {
  const text = mint.sign(ticket);
  expect(mint.verify(text)).toEqual(ticket);
  expect(mint.verify(text)).toEqual(ticket);
  const lobby = { ...ticket, queueNumber: null };
  expect(mint.verify(mint.sign(lobby))).toEqual(lobby);
});

test('a ticket changed in any one character is none, also after the true one was checked', () => {
  const text = mint.sign(ticket);
  mint.verify(text);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...'0aZ-_.'), (at, character) => {
      const changed = text.slice(0, at) + character + text.slice(at + 1);
      expect(mint.verify(changed)).toEqual(changed === text ? ticket : null);
    }),
  );
});

test('a lowered queue number, another secret, and things that are no tickets are refused', () => {
  const text = mint.sign(ticket);
  expect(mint.verify(text.replace('12408', '1'))).toBeNull();
  expect(createTicketMint('another secret of thirty-two characters!').verify(text)).toBeNull();
  for (const other of [
    '',
    '.',
    'q1',
    'q1.demo',
    `${text}.`,
    `${text} `,
    'x'.repeat(10_000),
    'q1.a.b.1.\u0000',
  ]) {
    expect(mint.verify(other)).toBeNull();
  }
});

test('an idempotency key leads to the same id in one sale and to another in the next', () => {
  expect(mint.entryIdOf('demo', 'key')).toBe(mint.entryIdOf('demo', 'key'));
  expect(mint.entryIdOf('demo', 'key')).toMatch(/^[A-Za-z0-9_-]{11}$/);
  expect(mint.entryIdOf('demo', 'key')).not.toBe(mint.entryIdOf('other', 'key'));
  expect(mint.entryIdOf('demo', 'key')).not.toBe(mint.entryIdOf('demo', 'kez'));
});
