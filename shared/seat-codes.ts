/**
 * What services and pages write of a seat as a number: its place in one of these lists. By itself, so that a page's script
 * can read it without the rest of the contract.
 */
export const seatStates = ['open', 'held', 'sold', 'blocked'] as const;

export const seatKinds = ['standard', 'accessible', 'companion'] as const;
export type SeatKind = (typeof seatKinds)[number];

const SEATS_PER_BYTE = 4;

/** States two bits each: that of seat i stands in bits 2·(i mod 4) of byte ⌊i/4⌋. */
export function packStates(states: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(states.length / SEATS_PER_BYTE));
  for (let seat = 0; seat < states.length; seat += 1)
    bytes[seat >> 2] = (bytes[seat >> 2] as number) | ((states[seat] as number) << (2 * (seat & 3)));
  return bytes;
}

/** The states back, as many as there is room for, from their bytes in base64. */
export function unpackStates(statuses: string, states: Uint8Array): Uint8Array {
  const bytes = atob(statuses);
  for (let seat = 0; seat < states.length; seat += 1)
    states[seat] = (bytes.charCodeAt(seat >> 2) >> (2 * (seat & 3))) & 3;
  return states;
}
