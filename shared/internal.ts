/**
 * What gateway and booking service say to each other besides the public contract. These headers exist only between the
 * two: the door drops them from whatever comes from outside and strips them from whatever goes out.
 */
export const internalHeaders = {
  /** INTERNAL_SECRET; without it the booking service answers nothing but its probes. */
  key: 'x-internal-key',
  /** `live`, or `finished` for an admission that may read its own orders and replay its own keys, no more. */
  admission: 'x-internal-admission',
  /** How many milliseconds are left of a live admission, by Redis' clock; missing while Redis is away. */
  left: 'x-internal-left',
  /**
   * Answer: when the fan's last live hold ends, in epoch milliseconds; 0 when none is left, HOLDS_END_UNKNOWN where it may have
   * moved and nobody can say to when.
   */
  holdEnds: 'x-internal-hold-ends',
  /** Answer: the id of the order that this request confirmed. */
  order: 'x-internal-order',
  /**
   * Answer: the process that gave it. Holds of fans whom the same one answers may go to it together (holds-together.ts).
   */
  process: 'x-internal-process',
  /** The organiser's name, for the audit. */
  organiser: 'x-internal-organiser',
} as const;

export const HOLDS_END_UNKNOWN = 'unknown';

/**
 * How much longer than the admission a hold may live once its payment has started. The admission token's `exp` lies this
 * much (plus the booking service's clock tolerance) behind the admission's end.
 */
export const PAYMENT_EXTENSION_SECONDS = 300;

/**
 * A hold for which a payment has begun, and that is not over: whose it is, by the entry's id and what the admission's token said,
 * the queue number and when it was made (seconds), and how long the hold lasts from now on at most.
 */
export type ExtendedHold = {
  entry: string;
  queueNumber: number | null;
  admittedAt: number | null;
  leftMs: number;
};

/** `next`: after which order the next ones come; null at the end. */
export type ExtendedHoldsPage = { holds: ExtendedHold[]; next: string | null };

/** How far the clocks of gateway and booking service may differ. */
export const CLOCK_TOLERANCE_SECONDS = 120;
