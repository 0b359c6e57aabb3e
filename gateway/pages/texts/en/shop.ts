import type { PluralForms } from '../../locale.ts';

/** The shop: the basket, the best available, the map and the list of seats. */
export const shop = {
  title: (event: string) => `Seats – ${event}`,
  shoppingLeft: 'Shopping time left:',
  shoppingWarnings: {
    twoMinutes: 'Less than 2 minutes of your shopping time are left.',
    halfMinute: 'Less than 30 seconds of your shopping time are left.',
    over: 'Your shopping time is over. Seats that you hold stay yours until their own time is over.',
  },
  /** Behind the time left, where no script counts it down. */
  until: (time: string) => `(until ${time})`,
  leave: 'Leave the shop',
  leaveMeans: 'Your seats are given back and the next fan gets in. You cannot come back to this sale.',
  leaveSure: 'Yes, leave',

  held: 'Held for you',
  /** Before the time left. */
  heldFor: 'For another',
  holdWarnings: {
    twoMinutes: 'Your seats are held for less than 2 more minutes.',
    halfMinute: 'Your seats are held for less than 30 more seconds.',
    over: 'The time for these seats is over: others can take them now.',
  },
  chooseAgain: 'Look what there is now',
  total: (money: string) => `Total: ${money}`,
  name: 'Your name',
  email: 'E-mail for the tickets',
  payment: 'Payment (test)',
  cards: {
    tok_ok: 'Test card that pays',
    tok_slow: 'Test card that pays slowly',
    tok_declined: 'Test card that is declined',
    tok_unknown: 'Test card whose answer gets lost',
  },
  pay: (money: string) => `Pay ${money}`,
  giveBack: 'Give these seats back',

  best: 'Best available',
  quantity: 'How many, side by side',
  wheelchair: 'Of these, wheelchair spaces',
  wheelchairHint: 'The seats beside them are companion seats where there are any.',
  where: 'Where',
  anywhere: 'Anywhere',
  sectionFor: (section: string, money: string) => `${section}, ${money}`,
  priceUpTo: 'Price up to',
  anyPrice: 'Any price',
  holdBest: 'Hold the best seats',

  map: 'On the map',
  mapHint: 'Choose a section, then your seats in it.',
  stage: 'Stage',
  open: { one: '{n} open', other: '{n} open' } as PluralForms,
  allSections: 'All sections',
  zoomIn: 'Larger',
  zoomOut: 'Smaller',
  mapOf: (section: string) => `Map of ${section}`,
  mapKeys:
    'Arrow keys go from seat to seat, Enter chooses or lets go, plus and minus change the size, Escape leads back to all sections.',
  mapTouch: 'Drag to move, pinch to zoom. A seat that is small on the screen is shown larger first.',
  asList: 'This section as a list',
  legend: 'What the signs mean, and how to move about',
  signs: {
    open: 'open',
    gone: 'gone',
    chosen: 'chosen by you',
    lost: 'chosen by you, but gone',
    accessible: 'wheelchair space, open',
    companion: 'companion seat, open',
  },
  mapTrouble: 'The map cannot be kept up to date right now. The shop still decides rightly.',

  list: 'As a list',
  onMap: 'To the map',
  sections: 'Sections',
  shown: { one: '{n} open seat shown', other: '{n} open seats shown' } as PluralForms,
  shownIn: (shown: string, section: string, most: string) => `${shown} in ${section}. At most ${most}.`,
  markedHint: 'Wheelchair spaces and companion seats say so. Please leave them to fans who need them.',
  rowsShown: (first: string, last: string, all: string) => `Rows ${first} to ${last} of ${all}`,
  rowsBefore: 'Rows before these',
  rowsAfter: 'Rows behind these',
  fromRow: 'From row',
  showRows: 'Show',
  chosenElsewhere: 'Chosen in other rows or sections',
  row: (row: string) => `Row ${row}`,
  /** A seat whose section is known. */
  seatInRow: (row: string, number: string) => `Row ${row}, seat ${number}`,
  withKind: (seat: string, kind: string) => `${seat}, ${kind}`,

  /** Between the seats of a list. */
  between: '; ',
  chosen: (seats: string, money: string) => `Chosen: ${seats}. Total: ${money}.`,
  chosenNone: { one: 'Choose your seat.', other: 'Choose up to {n} seats.' } as PluralForms,
  tooMany: {
    one: 'One fan may hold {n} seat in this sale. Let it go first.',
    other: 'One fan may hold {n} seats in this sale. Let one go first.',
  } as PluralForms,
  holdThese: 'Hold these seats',
  letGo: 'Let all go',
  /** While it is still only on the screen. */
  wentMeanwhile: (seats: string) => `Somebody was faster: ${seats}. Please choose another.`,
  /** After the shop has said so. */
  wereTaken: (seats: string) => `Someone was faster: ${seats}. Nothing was held.`,
  nearest: (seats: string) => `Nearest instead: ${seats}.`,
  takeNearest: 'Hold these instead',
  noneNear: 'There are not as many seats side by side at this price any more.',
  noAnswer: 'The shop did not answer. Please press again: nothing is held twice.',
  holding: 'Holding your seats …',

  refusals: {
    'seats-taken': 'Someone was faster. Please choose other seats; nothing was held.',
    'limit-reached': 'That is more than one fan may buy in this sale.',
    'hold-lost': 'These seats are no longer held for you. Please choose again.',
    'payment-declined': 'The payment was declined. Your seats are still held: try another card.',
    'invalid-field': 'Please choose at least one seat, and fill in your name and e-mail.',
    'rate-limited': 'That was very often in a short time. Please wait a moment and try again.',
    unavailable: 'The shop does not answer right now. Please try again in a moment.',
    other: 'That did not work. Please try again.',
  },
  /** To whoever asked for the best available instead of naming seats. */
  refusalsOfBest: {
    'seats-taken':
      'There are no such seats side by side any more. Ask for fewer, or elsewhere; nothing was held.',
    'invalid-field': 'There cannot be more wheelchair spaces than seats. Please change one of the numbers.',
  },
};
