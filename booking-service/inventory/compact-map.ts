import { packStates } from '#shared/seat-codes.ts';
import { type Section, seatsOf, totalSeats } from '../catalogue/layout.ts';

/** The seats of the given sections follow each other without gaps, whatever lies between them in the event. */
export function encodeStates(shown: Uint8Array, sections: readonly Section[]): string {
  const states = new Uint8Array(totalSeats(sections));
  let index = 0;
  for (const section of sections) {
    states.set(shown.subarray(section.firstSeat, section.firstSeat + seatsOf(section)), index);
    index += seatsOf(section);
  }
  return Buffer.from(packStates(states)).toString('base64');
}
