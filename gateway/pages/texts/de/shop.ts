import type { Texts } from '../en.ts';

export const shop: Texts['shop'] = {
  title: (event) => `Plätze – ${event}`,
  shoppingLeft: 'Verbleibende Einkaufszeit:',
  shoppingWarnings: {
    twoMinutes: 'Ihre Einkaufszeit endet in weniger als 2 Minuten.',
    halfMinute: 'Ihre Einkaufszeit endet in weniger als 30 Sekunden.',
    over: 'Ihre Einkaufszeit ist vorbei. Plätze, die für Sie reserviert sind, bleiben es bis zum Ende ihrer eigenen Frist.',
  },
  until: (time: string) => `(bis ${time})`,
  leave: 'Den Verkauf verlassen',
  leaveMeans:
    'Ihre Plätze werden wieder frei, und der nächste Fan kommt herein. Sie können in diesen Verkauf nicht zurückkehren.',
  leaveSure: 'Ja, verlassen',

  held: 'Für Sie reserviert',
  heldFor: 'Noch',
  holdWarnings: {
    twoMinutes: 'Ihre Plätze sind noch weniger als 2 Minuten reserviert.',
    halfMinute: 'Ihre Plätze sind noch weniger als 30 Sekunden reserviert.',
    over: 'Die Zeit für diese Plätze ist vorbei: Nun können andere sie nehmen.',
  },
  chooseAgain: 'Sehen, was jetzt frei ist',
  total: (money) => `Summe: ${money}`,
  name: 'Ihr Name',
  email: 'E-Mail-Adresse für die Tickets',
  payment: 'Zahlung (Test)',
  cards: {
    tok_ok: 'Testkarte, die zahlt',
    tok_slow: 'Testkarte, die langsam zahlt',
    tok_declined: 'Testkarte, die abgelehnt wird',
    tok_unknown: 'Testkarte, deren Antwort verloren geht',
  },
  pay: (money) => `${money} bezahlen`,
  giveBack: 'Diese Plätze zurückgeben',

  best: 'Die besten freien Plätze',
  quantity: 'Wie viele nebeneinander',
  wheelchair: 'Davon Rollstuhlplätze',
  wheelchairHint: 'Die Plätze daneben sind Begleitplätze, wo es welche gibt.',
  where: 'Wo',
  anywhere: 'Überall',
  sectionFor: (section, money) => `${section}, ${money}`,
  priceUpTo: 'Preis bis',
  anyPrice: 'Jeder Preis',
  holdBest: 'Die besten Plätze reservieren',

  map: 'Auf dem Saalplan',
  mapHint: 'Wählen Sie einen Bereich und darin Ihre Plätze.',
  stage: 'Bühne',
  open: { other: '{n} frei' },
  allSections: 'Alle Bereiche',
  zoomIn: 'Größer',
  zoomOut: 'Kleiner',
  mapOf: (section) => `Plan: ${section}`,
  mapKeys:
    'Mit den Pfeiltasten gehen Sie von Platz zu Platz, die Eingabetaste wählt oder gibt frei, Plus und Minus ändern die Größe, Escape führt zu allen Bereichen zurück.',
  mapTouch:
    'Ziehen verschiebt, zwei Finger vergrößern. Ein Platz, der sehr klein erscheint, wird zuerst größer gezeigt.',
  asList: 'Dieser Bereich als Liste',
  legend: 'Was die Zeichen bedeuten und wie Sie sich bewegen',
  signs: {
    open: 'frei',
    gone: 'vergeben',
    chosen: 'von Ihnen gewählt',
    lost: 'von Ihnen gewählt, aber vergeben',
    accessible: 'Rollstuhlplatz, frei',
    companion: 'Begleitplatz, frei',
  },
  mapTrouble:
    'Der Plan kann im Augenblick nicht auf dem neuesten Stand gehalten werden. Der Verkauf entscheidet trotzdem richtig.',

  list: 'Als Liste',
  onMap: 'Zum Saalplan',
  sections: 'Bereiche',
  shown: { one: '{n} freier Platz', other: '{n} freie Plätze' },
  shownIn: (shown, section, most) => `${shown} in ${section} gezeigt. Höchstens ${most}.`,
  markedHint:
    'Rollstuhlplätze und Begleitplätze sind bezeichnet. Bitte überlassen Sie sie Fans, die sie brauchen.',
  rowsShown: (first, last, all) => `Reihen ${first} bis ${last} von ${all}`,
  rowsBefore: 'Reihen davor',
  rowsAfter: 'Reihen dahinter',
  fromRow: 'Ab Reihe',
  showRows: 'Anzeigen',
  chosenElsewhere: 'In anderen Reihen oder Bereichen gewählt',
  row: (row) => `Reihe ${row}`,
  seatInRow: (row, number) => `Reihe ${row}, Platz ${number}`,
  withKind: (seat, kind) => `${seat}, ${kind}`,

  between: '; ',
  chosen: (seats, money) => `Gewählt: ${seats}. Summe: ${money}.`,
  chosenNone: { one: 'Wählen Sie Ihren Platz.', other: 'Wählen Sie bis zu {n} Plätze.' },
  tooMany: {
    one: 'In diesem Verkauf kann jeder Fan {n} Platz reservieren. Geben Sie ihn zuerst frei.',
    other: 'In diesem Verkauf kann jeder Fan {n} Plätze reservieren. Geben Sie zuerst einen frei.',
  },
  holdThese: 'Diese Plätze reservieren',
  letGo: 'Alle freigeben',
  wentMeanwhile: (seats) => `Jemand war schneller: ${seats}. Bitte wählen Sie einen anderen Platz.`,
  wereTaken: (seats) => `Jemand war schneller: ${seats}. Es wurde nichts reserviert.`,
  nearest: (seats) => `Am nächsten daran: ${seats}.`,
  takeNearest: 'Stattdessen diese reservieren',
  noneNear: 'So viele Plätze nebeneinander gibt es zu diesem Preis nicht mehr.',
  noAnswer: 'Es kam keine Antwort. Bitte drücken Sie noch einmal: Nichts wird doppelt reserviert.',
  holding: 'Ihre Plätze werden reserviert …',

  refusals: {
    'seats-taken': 'Jemand war schneller. Bitte wählen Sie andere Plätze; es wurde nichts reserviert.',
    'limit-reached': 'Das ist mehr, als ein Fan in diesem Verkauf kaufen kann.',
    'hold-lost': 'Diese Plätze sind nicht mehr für Sie reserviert. Bitte wählen Sie neu.',
    'payment-declined':
      'Die Zahlung wurde abgelehnt. Ihre Plätze sind noch reserviert: Versuchen Sie es mit einer anderen Karte.',
    'invalid-field':
      'Bitte wählen Sie mindestens einen Platz, und geben Sie Ihren Namen und Ihre E-Mail-Adresse an.',
    'rate-limited':
      'Das war sehr oft in kurzer Zeit. Bitte warten Sie einen Augenblick und versuchen Sie es noch einmal.',
    unavailable: 'Der Verkauf antwortet gerade nicht. Bitte versuchen Sie es gleich noch einmal.',
    other: 'Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.',
  },
  refusalsOfBest: {
    'seats-taken':
      'Solche Plätze gibt es nebeneinander nicht mehr. Versuchen Sie es mit weniger oder anderswo; es wurde nichts reserviert.',
    'invalid-field':
      'Es können nicht mehr Rollstuhlplätze als Plätze sein. Bitte ändern Sie eine der Zahlen.',
  },
};
