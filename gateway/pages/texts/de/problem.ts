import type { Texts } from '../en.ts';

export const problem: Texts['problem'] = {
  byCode: {
    'not-found': {
      title: 'Hier ist nichts',
      text: 'Unter dieser Adresse gibt es nichts, oder nicht für diesen Browser.',
    },
    forbidden: { title: 'Das ist nicht erlaubt', text: 'Diese Anfrage ist hier nicht erlaubt.' },
    'not-open': {
      title: 'Der Verkauf ist noch nicht geöffnet',
      text: 'Noch kann sich niemand anstellen: Weder der Vorraum noch der Verkauf ist geöffnet.',
    },
    'sale-ended': { title: 'Der Verkauf ist beendet', text: 'Niemand kommt mehr hinein.' },
    'already-finished': {
      title: 'Sie sind schon fertig',
      text: 'Sie haben Ihren Einkauf in diesem Verkauf abgeschlossen.',
    },
    'rate-limited': {
      title: 'Zu viele Anfragen',
      text: 'Aus Ihrem Netz kamen in kurzer Zeit zu viele Anfragen. Bitte versuchen Sie es gleich noch einmal.',
    },
    'request-timeout': {
      title: 'Das hat zu lange gedauert',
      text: 'Ihre Anfrage kam nicht rechtzeitig an. Bitte versuchen Sie es noch einmal.',
    },
    unavailable: {
      title: 'Kurz nicht erreichbar',
      text: 'Wir arbeiten daran. Wenn Sie einen Platz in einer Warteschlange haben, bleibt er Ihnen.',
    },
  },
  other: {
    title: 'Das hat nicht geklappt',
    text: 'Bitte gehen Sie zurück und versuchen Sie es noch einmal.',
  },
  toQueue: 'Zur Warteschlange',
  toConcerts: 'Zu allen Konzerten',
};
