/**
 * What fans were answered, as much of it as the promises of the queue and of seats are judged by: one JSON object a line
 * from the k6 scripts (loadtest/lib/record.ts, read by read.ts), or a digest of what recorder.ts keeps (digest.ts). Times are epoch milliseconds; those named `…At` by the load generator's clock, the others are the
 * shop's own.
 */

/** The sale that the run was made on, with the settings that the judge needs. */
export type SaleRecord = {
  kind: 'sale';
  sale: string;
  event: string;
  capacity: number;
  seats: number;
  seatsPerFan: number;
  claimMs: number;
  admissionMs: number;
  /** Of a sale with a lobby: when it opens, and what was published of its draw's seed before. */
  opensAt?: number;
  commitment?: string;
};

export type Step =
  | 'browse'
  | 'join'
  | 'poll'
  | 'claim'
  | 'look'
  | 'hold'
  | 'release'
  | 'pay'
  | 'outcome'
  | 'leave';

/** One answer, or its absence (status 0). */
export type AnswerRecord = {
  kind: 'answer';
  fan: string;
  step: Step;
  sentAt: number;
  tookMs: number;
  status: number;
  /** The problem's code, when the answer is one. */
  code?: string;

  // join and poll
  entry?: string;
  state?: string;
  queueNumber?: number | null;
  position?: number | null;
  asOf?: number;
  claimBy?: number | null;
  returning?: boolean;

  // claim and hold
  expires?: number;

  // hold, release, pay, outcome
  hold?: string;
  seats?: string[];
  key?: string;
  order?: string;
  email?: string;
  orderState?: string;
};

/** How a fan's way ended, in a word or two. */
export type EndRecord = { kind: 'end'; fan: string; how: string };

/** What the scripts say of their own purpose, so that the judge can expect more than the promises. */
export type ExpectRecord = { kind: 'expect'; oneSeat: { seat: string; fans: number } };

export type HistoryRecord = SaleRecord | AnswerRecord | EndRecord | ExpectRecord;
