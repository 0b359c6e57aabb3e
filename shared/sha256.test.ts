import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256, sha256 } from './sha256.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

test('the digest of every message is the one of node:crypto, around the block sizes too', () => {
  for (let length = 0; length <= 260; length += 1) {
    const message = new Uint8Array(length).map((_, i) => (i * 31 + length) & 255);
    expect(Buffer.from(sha256(message))).toEqual(createHash('sha256').update(message).digest());
  }
  fc.assert(
    fc.property(bytes, (message) => {
      expect(Buffer.from(sha256(message))).toEqual(createHash('sha256').update(message).digest());
    }),
  );
});

test('so is the HMAC, under short keys, long ones and after other messages', () => {
  fc.assert(
    fc.property(bytes, fc.array(bytes, { minLength: 1, maxLength: 4 }), (key, messages) => {
      const mac = hmacSha256(key);
      for (const message of messages) {
        const expected = createHmac('sha256', key).update(message).digest();
        expect(Buffer.from(mac.of(message))).toEqual(expected);
        const longer = Buffer.concat([message, Buffer.from('more')]);
        expect(Buffer.from(mac.of(longer, message.length))).toEqual(expected);
      }
    }),
  );
});

test('RFC 4231, test case 2', () => {
  const mac = hmacSha256(Buffer.from('Jefe')).of(Buffer.from('what do ya want for nothing?'));
  expect(Buffer.from(mac).toString('hex')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
