/** Paying, and what came of it. */
export const order = {
  unclear: {
    title: 'Your payment is not clear yet',
    text: 'We have not heard what became of it. Do not pay again: look in a few seconds. You pay at most once.',
    look: 'Look what became of it',
  },
  payment: 'Payment',
  titles: {
    inProgress: 'Booking in progress',
    confirmed: 'Your tickets',
    failed: 'This booking did not succeed',
    refunded: 'This order was refunded',
  },
  number: 'Order {order}',
  code: 'Ticket code {code}',
  priced: (seat: string, price: string) => `${seat}: ${price}`,
  total: (price: string) => `Total: ${price}`,
  sentTo: 'We sent the tickets to {email}.',
  moneyBack: (price: string) => `You get ${price} back. The tickets admit nobody any more.`,
  toCalendar: 'Add to your calendar',
  print: 'Print',
  /** In the calendar itself. */
  calendarNote:
    'Your tickets are on the page of your order and in the mail. The end of the concert is an estimate.',
  booking: 'We are booking your seats.',
  showsByItself: 'This page shows by itself when it is done.',
  needNotWait: 'You need not wait here: as soon as the booking is through, the tickets go to {email}.',
  offline: 'You seem to be offline. Your booking goes on all the same.',
  unreachable: 'We cannot see it right now. Your booking goes on all the same.',
  failures: {
    declined: 'The payment was declined.',
    lost: 'Before the payment was through, the seats went to somebody else.',
    unreachable: 'The payment provider could not be reached.',
    other: 'The payment did not come about.',
  },
  notCharged: 'You have not been charged.',
  stillHeld: 'Your seats are still held for you: you can pay again.',
  lookAround: 'You can look what else there is.',
  backToSeats: 'Back to your seats',
  otherSeats: 'Choose other seats',
};
