import { createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTicketMint } from './ticket.ts';

const mint = createTicketMint('a secret of at least thirty-two characters');
const ticket = { sale: 'demo', entry: 'AAAAAAAAAAA', queueNumber: 12_408, epoch: 1 };

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

test('a ticket of the same number with another entry, epoch or sale is not the one that is remembered', () => {
  const own = { sale: 'demo', entry: 'BBBBBBBBBBB', queueNumber: 7, epoch: 1 };
  const text = mint.sign(own);
  expect(mint.verify(text)).toEqual(own);
  for (const other of [{ entry: 'CCCCCCCCCCC' }, { epoch: 2 }, { sale: 'demo-2' }, { queueNumber: 1_031 }]) {
    const forged = { ...own, ...other };
    const payload = `q2.${forged.sale}.${forged.entry}.${forged.queueNumber}.${forged.epoch}`;
    expect(mint.verify(`${payload}.${text.slice(-22)}`)).toBeNull();
    expect(mint.verify(mint.sign(forged))).toEqual(forged);
    expect(mint.verify(text)).toEqual(own);
  }
});

test('its MAC is HMAC-SHA256 over the fields, in its first 128 bits', () => {
  const secret = 'a secret of at least thirty-two characters';
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'admit-one queue ticket', 32));
  const payload = 'q2.demo.AAAAAAAAAAA.12408.1';
  const mac = createHmac('sha256', key).update(payload).digest().subarray(0, 16).toString('base64url');
  expect(mint.sign(ticket)).toBe(`${payload}.${mac}`);
});

test('a lowered queue number, another secret, and things that are no tickets are refused', () => {
  const text = mint.sign(ticket);
  expect(mint.verify(text.replace('12408', '1'))).toBeNull();
  expect(createTicketMint('another secret of thirty-two characters!').verify(text)).toBeNull();
  for (const other of [
    '',
    '.',
    'q2',
    'q2.demo',
    'q2.demo.AAAAAAAAAAA.12408.1',
    `${text}.`,
    `${text} `,
    'x'.repeat(10_000),
    'q2.a.b.1.1.\u0000',
    text.replace('12408', '012408'),
    text.replace('q2', 'q1'),
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

test('of several secrets the first signs and all verify, in whichever order each gateway names them', () => {
  const [older, newer] = [
    'a secret of at least thirty-two characters',
    'another secret of thirty-two characters!',
  ];
  const before = createTicketMint(`${older},${newer}`);
  const after = createTicketMint(`${newer}, ${older}`);
  const signed = [mint, before, after].map((each) => each.sign(ticket));
  expect(signed[1]).toBe(signed[0]);
  expect(signed[2]).not.toBe(signed[0]);
  for (const each of [before, after]) for (const text of signed) expect(each.verify(text)).toEqual(ticket);
  expect(createTicketMint(newer).verify(signed[0] as string)).toBeNull();
  expect(after.otherEntryIdsOf('demo', 'key')).toEqual([before.entryIdOf('demo', 'key')]);
  expect(before.otherEntryIdsOf('demo', 'key')).toEqual([after.entryIdOf('demo', 'key')]);
  expect(mint.otherEntryIdsOf('demo', 'key')).toEqual([]);
});
