import type { Hold } from './read-holds.ts';

/** How many holds one admission may make in all, so that nobody keeps seats from others by holding them for ever. */
export const HOLDS_PER_ADMISSION_MAX = 30;

export type HoldAttempt = {
  /** Made before the call, so that an attempt whose answer was lost finds itself. */
  hold: string;
  sale: string;
  event: string;
  fan: string;
  admission: string;
  idempotencyKey: string | null;
  requestDigest: string;
  /** Sorted indexes, or null for the best `quantity` adjacent seats in the first of `sections` that has them. */
  seats: readonly number[] | null;
  quantity: number;
  /** Of the best: how many shall be accessible ones; none unless given. Named seats may be of any kind. */
  accessible?: number;
  sections: readonly number[];
  holdMs: number;
  seatsPerFan: number;
};

export type HoldOutcome =
  | (Hold & { outcome: 'held'; holdsEnd: Date | null })
  | { outcome: 'taken' | 'mismatch' | 'limit' | 'holds-limit'; seats: number[]; holdsEnd: Date | null };
