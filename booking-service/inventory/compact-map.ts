import { type Section, seatsOf } from '../catalogue/layout.ts';

const SEATS_PER_BYTE = 4;

/**
 * Two bits a seat: seat i stands in bits 2·(i mod 4) of byte ⌊i/4⌋. The seats of the given sections follow each other
 * without gaps, whatever lies between them in the event.
 */
export function encodeStates(shown: Uint8Array, sections: readonly Section[]): string {
  const seats = sections.reduce((sum, section) => sum + seatsOf(section), 0);
  const bytes = Buffer.alloc(Math.ceil(seats / SEATS_PER_BYTE));
  let index = 0;
  for (const section of sections) {
    const end = section.firstSeat + seatsOf(section);
    for (let seat = section.firstSeat; seat < end; seat += 1, index += 1) {
      const byte = index >> 2;
      bytes[byte] = (bytes[byte] as number) | ((shown[seat] as number) << (2 * (index & 3)));
    }
  }
  return bytes.toString('base64');
}

/** The states back, as many as asked for. */
export function decodeStates(statuses: string, seats: number): Uint8Array {
  const bytes = Buffer.from(statuses, 'base64');
  return Uint8Array.from(
    { length: seats },
    (_, index) => ((bytes[index >> 2] as number) >> (2 * (index & 3))) & 3,
  );
}
