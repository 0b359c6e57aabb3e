import type { PluralForms } from '../../words.ts';

/**
 * The queue page: before, in and after the queue. `{…}` is a place for a number, a time or a name; the page's script
 * fills the same sentences anew.
 */
export const queue = {
  notice: { label: 'Message from the organiser', by: 'The organiser, {time}' },
  prices: {
    title: 'Prices',
    price: (section: string, price: string) => `${section}: ${price}, all fees included`,
    left: {
      plenty: 'Plenty of seats left',
      limited: 'A limited number of seats left',
      few: 'Few seats left',
    },
    asOf: (left: string, clock: string) => `${left}, as of ${clock}.`,
  },

  opens: (day: string) => `The sale opens ${day}`,
  untilLobby: 'Until the lobby opens. Everyone in it at the opening gets a random place.',
  untilJoining: 'Until you can join the queue.',
  lobbyOpen: 'The lobby is open',
  lobbyRule:
    'Everyone here by then gets a random place; being earlier does not help; later arrivals join behind.',
  enterLobby: 'Enter the lobby',
  open: 'The sale is open',
  entryPaused: 'Entry is paused for a moment',
  fansWaiting: { one: 'One fan is waiting.', other: '{n} fans are waiting.' } as PluralForms,
  placePromise: 'You get a place in the queue, and see it all the time.',
  join: 'Join the queue',
  code: {
    label: 'Your access code',
    hint: 'This sale is for fans with a code. Capitals make no difference.',
    missing: 'This sale is for fans with an access code; there was none.',
    unknown: 'This access code is not valid for this sale.',
    taken: 'This access code is in use already.',
    worn: 'This access code has been used too often.',
  },

  inLobby: 'You are in the lobby',
  untilOpening: (day: string) => `until the sale opens, ${day}.`,
  drawing: 'The sale is open, and the order of the lobby is being drawn. You see your position in a moment.',
  awaitingBeacon:
    'The sale is open. The order of the lobby is drawn as soon as a public value is known that nobody can know before: “{name}”, from {from} on. Your place is ahead of everybody who came after the opening; until then nobody has a turn.',
  aboutDraw: 'How the draw can be checked',
  position: 'Position: {position}',
  ahead: { none: 'You are next.', other: '{n} ahead of you.' } as PluralForms,
  minute: {
    moved: 'In the last minute you moved up by {moved}. Let in: about {letIn}; gone: about {left}.',
    still: 'You have not moved in the last minute.',
  },
  way: 'Your way through the queue',
  kept: 'Your place is kept',
  keptMeaning: 'The queue cannot be read for a moment. You need to do nothing.',
  paused: 'The organiser has paused entry. Nobody overtakes you.',
  rate: {
    none: '',
    one: 'About one a minute is let in.',
    other: 'About {n} a minute are let in.',
  } as PluralForms,
  held: 'All remaining seats are in other fans’ baskets; the next may return at {time}.',
  wait: {
    unknown: 'We cannot say yet how long it takes.',
    short: 'Your wait: less than a minute.',
    upTo: 'Your wait: up to {high}.',
    about: 'Your wait: about {high}.',
    /** `{n}` is the lower end without its unit, `{low}` with it. */
    between: 'Your wait: {n} to {high}.',
  },
  next: 'What happens next',
  rules: (grace: string, claim: string) =>
    `When it is your turn this page takes you into the shop. You can close it or lock your phone: if you are back within ${grace} you have lost nothing, except that a turn which came meanwhile waits only ${claim}. Whoever is not seen for ${grace} is taken out of the queue.`,
  offline: 'You are offline. Your place is safe.',
  unreachable: 'We cannot reach the queue right now. Your place is safe.',
  updated: 'Updated {time}.',
  refresh: 'Refresh',
  refreshes: 'This page refreshes by itself.',
  stopRefreshing: 'Stop that',
  startRefreshing: 'Refresh by itself',
  call: 'Call me at my turn: sound and notification',
  leaveLobby: 'Leave the lobby',
  leave: 'Leave the queue',
  leaveMeaning: 'Your place goes to the next fan. If you come back, you join at the end.',
  leaveForSure: 'Yes, leave',

  turn: 'It is your turn',
  turnEnds: (clock: string) => `to enter the shop, until ${clock}.`,
  shopFull: 'The shop is full for a moment. Your turn is kept.',
  enter: 'Enter the shop',
  giveTurn: 'Give your turn to the next fan',
  admitted: 'You are in',
  shopUntil: 'You can shop until {time} ({left}).',
  toSeats: 'Go to the seats',

  finished: 'You have finished',
  thanks: 'Thank you. If you bought tickets, they are in your mail.',
  thanksAndOrders: 'Thank you. Your tickets are in your mail, and here:',
  order: (order: string) => `Order ${order}`,
  returning: 'You missed your turn, and get the next free one',
  returningMeaning: 'Stay here: it comes as soon as there is room. This happens once.',
  missed: 'Your turn has passed',
  missedBecause: (claim: string) => `Nobody came for it within ${claim}.`,
  lapsed: 'Your place was given up',
  lapsedBecause: (grace: string) => `We had not seen you for more than ${grace}.`,
  expired: 'Your shopping time is over',
  left: 'You left the queue',
  canRejoin: 'You can join again, at the end of the queue.',
  rejoin: 'Join again',
  soldOut: 'Sold out',
  soldOutMeaning: 'Every seat is sold. You do not need to wait any longer.',
  closed: 'The sale has ended',
  closedMeaning: 'Nobody new can get in. You do not need to wait any longer.',
};
