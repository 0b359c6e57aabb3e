import type { Texts } from '../en.ts';

export const order: Texts['order'] = {
  unclear: {
    title: 'Ihre Zahlung ist noch nicht geklärt',
    text: 'Wir haben noch nicht gehört, was daraus geworden ist. Zahlen Sie nicht noch einmal: Sehen Sie in ein paar Sekunden nach. Sie zahlen höchstens einmal.',
    look: 'Nachsehen, was daraus geworden ist',
  },
  payment: 'Zahlung',
  titles: {
    inProgress: 'Ihre Buchung läuft',
    confirmed: 'Ihre Tickets',
    failed: 'Diese Buchung kam nicht zustande',
    refunded: 'Diese Bestellung wurde erstattet',
  },
  number: 'Bestellung {order}',
  code: 'Ticketcode {code}',
  priced: (seat, price) => `${seat}: ${price}`,
  total: (price) => `Summe: ${price}`,
  sentTo: 'Wir haben die Tickets an {email} geschickt.',
  moneyBack: (price) => `Sie bekommen ${price} zurück. Die Tickets gelten nicht mehr.`,
  toCalendar: 'In den Kalender eintragen',
  print: 'Drucken',
  calendarNote:
    'Ihre Tickets stehen auf der Seite Ihrer Bestellung und in der E-Mail. Das Ende des Konzerts ist geschätzt.',
  booking: 'Wir buchen Ihre Plätze.',
  showsByItself: 'Diese Seite zeigt von selbst, wenn es so weit ist.',
  needNotWait: 'Sie müssen nicht hier warten: Sobald die Buchung durch ist, gehen die Tickets an {email}.',
  offline: 'Sie scheinen offline zu sein. Ihre Buchung läuft trotzdem weiter.',
  unreachable: 'Wir können es gerade nicht sehen. Ihre Buchung läuft trotzdem weiter.',
  failures: {
    declined: 'Die Zahlung wurde abgelehnt.',
    lost: 'Bevor die Zahlung durch war, gingen die Plätze an jemand anderen.',
    unreachable: 'Der Zahlungsdienst war nicht erreichbar.',
    other: 'Die Zahlung kam nicht zustande.',
  },
  notCharged: 'Ihnen wurde nichts berechnet.',
  stillHeld: 'Ihre Plätze sind noch für Sie reserviert: Sie können noch einmal zahlen.',
  lookAround: 'Sie können sehen, was es sonst noch gibt.',
  backToSeats: 'Zurück zu Ihren Plätzen',
  otherSeats: 'Andere Plätze wählen',
};
