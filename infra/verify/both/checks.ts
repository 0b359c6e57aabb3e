import type { Check } from '../check.ts';

/** What PostgreSQL and Redis must agree on. */
export const bothChecks = [
  {
    name: 'sales-are-live-as-recorded',
    promise: 'I14',
    keeps: 'every sale is in effect with the settings that are recorded, and every change becomes durable',
    means: 'A pause, a rate or a capacity is in effect and not recorded, or the other way round.',
    secondLook: true,
  },
  {
    name: 'only-admitted-fans-shop',
    promise: 'I7',
    keeps: 'every hold was made under an admission that the queue gave to that very fan',
    means: 'Somebody came to the seats past the queue.',
  },
  {
    name: 'who-bought-has-left-the-shop',
    promise: 'I9',
    keeps: 'a completed order has finished its fan’s admission',
    means: 'A fan who has bought keeps a place in the shop, and could go on buying.',
  },
] as const satisfies Check[];

export type BothCheckName = (typeof bothChecks)[number]['name'];
