import type { Check } from '../check.ts';

/** What is judged of every sale's queue in Redis. judge.ts looks; this says what it means. */
export const queueChecks = [
  {
    name: 'positions-are-exact',
    promise: 'I5',
    keeps: 'the bitmap that positions are read from is the sorted set of those who wait, bit for bit',
    means: 'Fans are shown a wrong position, or one that will rise.',
  },
  {
    name: 'no-place-is-lost',
    promise: 'I8',
    keeps: 'every queue number from 1 on belongs to an entry that is still known',
    means: 'A fan who joined is not in the queue any more and did not leave it.',
  },
  {
    name: 'no-number-is-given-twice',
    promise: 'I4',
    keeps: 'a queue number belongs to one entry',
    means: 'Two fans have the same place.',
  },
  {
    name: 'nobody-is-overtaken',
    promise: 'I4',
    keeps: 'nobody has had a turn while somebody with a smaller number waits',
    means: 'Somebody jumped the queue.',
  },
  {
    name: 'everybody-is-counted',
    promise: 'I13',
    keeps: 'joined = lobby + waiting + ready + admitted + ended',
    means: 'The live figures are wrong, or entries appeared or vanished.',
  },
  {
    name: 'entries-are-where-they-say',
    promise: 'I13',
    keeps: 'every entry is in the set of its state, with its own deadline, and in no other',
    means: 'A turn or an admission takes room that never becomes free, or frees room that is in use.',
  },
  {
    name: 'the-shop-is-not-overfull',
    promise: 'I3',
    keeps:
      'admitted fans are at most the capacity, and no more turns are out than fit into the rest of it and the stated overbooking (a capacity that was lowered is waited out)',
    means: 'More fans are in the shop, or called into it, than it was said to bear. Pause the sale.',
  },
  {
    name: 'deadlines-act',
    promise: 'I14',
    keeps: 'turns and admissions past their end are ended at once',
    means: 'Absent fans keep their room from those who wait. Does a gateway run?',
  },
  {
    name: 'turns-flow',
    promise: 'I14',
    keeps: 'turns are looked after while fans wait in an open sale',
    means: 'The queue stands still. Does a gateway run?',
    secondLook: true,
  },
  {
    name: 'the-draw-can-be-recomputed',
    promise: 'I12',
    keeps: 'the published seed and ids give the order of the draw and the queue numbers',
    means: 'The order of the lobby cannot be shown to be the one that was drawn.',
  },
] as const satisfies Check[];

export type QueueCheckName = (typeof queueChecks)[number]['name'];
