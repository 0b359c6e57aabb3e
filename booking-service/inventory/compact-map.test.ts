import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unpackStates } from '#shared/seat-codes.ts';
import type { Section } from '../catalogue/layout.ts';
import { encodeStates } from './compact-map.ts';

const section = (ordinal: number, firstSeat: number, seatsPerRow: number): Section => ({
  ...{ ordinal, firstSeat, seatsPerRow },
  ...{ name: String(ordinal), rows: 1, amount: 1 },
});

test('a map decodes to what was encoded, whichever sections the sale has and wherever they begin', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      sizes,
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      fc.nat(31),
      (of, stream, chosen) => {
        let firstSeat = 0;
        const sections = of.map((size, ordinal) => {
          const made = section(ordinal, firstSeat, size);
          firstSeat += size;
          return made;
        });
        const shown = Uint8Array.from(stream.take(firstSeat));
        const sold = sections.filter(({ ordinal }) => (chosen >> ordinal) & 1);
        const expected = sold.flatMap((each) => [
          ...shown.subarray(each.firstSeat, each.firstSeat + each.seatsPerRow),
        ]);
        expect([...unpackStates(encodeStates(shown, sold), new Uint8Array(expected.length))]).toEqual(
          expected,
        );
      },
    ),
  );
});

test('seat i stands in bits 2·(i mod 4) of byte ⌊i/4⌋', () => {
  const statuses = encodeStates(Uint8Array.from([0, 1, 2, 3, 1]), [section(0, 0, 5)]);
  expect([...Buffer.from(statuses, 'base64')]).toEqual([0b11_10_01_00, 0b01]);
});
