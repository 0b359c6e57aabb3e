import type { PluralForms } from '../words.ts';

/** How a seat is drawn and named; in the order of the numbers below. */
export const looks = ['open', 'gone', 'chosen', 'lost', 'accessible', 'companion'] as const;
export type Look = (typeof looks)[number];

/** What the seats page tells its script: every word it shows, with slots in braces. */
export type ScriptWords = {
  open: PluralForms;
  tooMany: PluralForms;
  chosenNone: PluralForms;
  signs: Record<Look, string>;
  section: string;
  stage: string;
  mapOf: string;
  seat: string;
  seatInRow: string;
  withKind: string;
  between: string;
  chosen: string;
  wentMeanwhile: string;
  wereTaken: string;
  nearest: string;
  noneNear: string;
  noAnswer: string;
  holding: string;
  mapTrouble: string;
  limitReached: string;
  other: string;
};
