import { crc32, inflateSync } from 'node:zlib';
import { encode } from 'uqr';
import { expect, test } from 'vitest';
import { qrPng } from './qr-png.ts';

/** The chunks of a PNG (ISO/IEC 15948 §5.3) by their type, each with a sum that is right. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4));
    at += 12 + length;
  }
  return chunks;
}

test('the picture of a code shows every module of its QR code, with four of white around', () => {
  const code = 'q0SPJTRC1pYfEyYQv3hR7w';
  const { size, png } = qrPng(code);
  const chunks = chunksOf(png);
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect(chunks.get('IHDR')?.readUInt32BE(0)).toBe(size);
  const pixels = inflateSync(chunks.get('IDAT') as Buffer);
  const stride = 1 + Math.ceil(size / 8);
  expect(pixels).toHaveLength(size * stride);
  const isBlack = (x: number, y: number) =>
    (((pixels[y * stride + 1 + (x >> 3)] as number) >> (7 - (x & 7))) & 1) === 0;
  const { data } = encode(code, { border: 4, ecc: 'M' });
  const scale = size / data.length;
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1)
      if (isBlack(x, y) !== data[Math.floor(y / scale)]?.[Math.floor(x / scale)])
        expect.fail(`pixel ${x}, ${y} is wrong`);
  expect(data[3]?.some(Boolean)).toBe(false);
  expect(png.length).toBeLessThan(1_000);
});
