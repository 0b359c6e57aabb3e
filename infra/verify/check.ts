/** Something that must not be: what it is about (the same at every look), and a sentence for people. */
export type Finding = { about: string; text: string };

/** The promises of ARCHITECTURE.md that can be judged from the stores at any moment. */
export type PromiseId =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I13'
  | 'I14'
  | 'I15';

/** One thing that is promised, in words. How it is looked up is added by each kind of check. */
export type Check = {
  /** kebab-case, unique: what a script or a dashboard refers to. */
  name: string;
  promise: PromiseId;
  /** What holds when nothing is found. */
  keeps: string;
  /** What a finding means for the organiser, and what to do first. */
  means: string;
  /** Facts that are on their way between two places: only what is found a second time is reported. */
  secondLook?: boolean;
};

export type Bounds = {
  /** How long something may be owed (a mail, a capture, a word to the gateway) before it counts as broken. */
  patienceMs: number;
};

/** Most findings that one check reports; beyond them it says that there are more. */
export const FINDINGS_MAX = 100;
