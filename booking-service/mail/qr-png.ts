import { crc32, deflateSync } from 'node:zlib';
import { encode } from 'uqr';

/** Modules of white around a QR code, without which readers do not find it. */
const QUIET_ZONE = 4;
/** Large enough for a screen of any density, in whole pixels a module, so that nothing is blurred. */
const PIXELS_PER_MODULE = 6;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A text as a QR code (ISO/IEC 18004) in a PNG of some 300 bytes: mail programs show no SVG. */
export function qrPng(text: string): { size: number; png: Buffer } {
  const { data } = encode(text, { border: QUIET_ZONE, ecc: 'M' });
  const size = data.length * PIXELS_PER_MODULE;
  const rows = data.map((modules) => {
    // Each row begins with its filter, 0 for none; a bit of 1 is white.
    const row = Buffer.alloc(1 + Math.ceil(size / 8));
    for (let x = 0; x < size; x += 1)
      if (!modules[Math.floor(x / PIXELS_PER_MODULE)])
        row[1 + (x >> 3)] = (row[1 + (x >> 3)] as number) | (0x80 >> (x & 7));
    return row;
  });
  const pixels = Buffer.concat(rows.flatMap((row) => Array<Buffer>(PIXELS_PER_MODULE).fill(row)));
  return { size, png: onePng(size, pixels) };
}

/** A square picture of one bit a pixel, black or white (ISO/IEC 15948). */
function onePng(size: number, pixels: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // One bit a pixel; the rest, 0 each: grey, deflated, filtered by row, not interlaced.
  header[8] = 1;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
