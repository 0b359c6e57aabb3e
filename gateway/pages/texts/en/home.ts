import type { ListedSale, SaleState } from '#shared/contract/sale.ts';

/** The list of concerts, and one concert with its sales. */
export const home = {
  title: 'Concerts',
  nothingOnSale: 'Nothing is on sale at the moment.',
  states: {
    scheduled: 'Not open yet',
    lobby: 'The lobby is open',
    open: 'Open now',
    paused: 'Open, entry paused',
    soldOut: 'Sold out',
    closed: 'Ended',
  } satisfies Record<SaleState, string>,
  left: {
    plenty: 'Plenty of seats left.',
    limited: 'Limited seats left.',
    few: 'Few seats left.',
    none: 'No seat left at the moment.',
  } satisfies Record<NonNullable<ListedSale['left']>, string>,
  opens: (day: string) => `The sale opens ${day}.`,
  codeNeeded: 'For fans with an access code.',
  from: (price: string) => `From ${price}.`,
};
