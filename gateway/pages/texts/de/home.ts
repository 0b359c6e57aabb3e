import type { Texts } from '../en.ts';

export const home: Texts['home'] = {
  title: 'Konzerte',
  nothingOnSale: 'Zurzeit gibt es nichts zu kaufen.',
  states: {
    scheduled: 'Noch nicht geöffnet',
    lobby: 'Der Vorraum ist offen',
    open: 'Jetzt geöffnet',
    paused: 'Geöffnet, Einlass angehalten',
    soldOut: 'Ausverkauft',
    closed: 'Beendet',
  },
  left: {
    plenty: 'Noch viele Plätze frei.',
    limited: 'Noch einige Plätze frei.',
    few: 'Nur noch wenige Plätze frei.',
    none: 'Im Augenblick ist kein Platz frei.',
  },
  opens: (day) => `Der Verkauf beginnt ${day}.`,
  codeNeeded: 'Für Fans mit Zugangscode.',
  from: (price) => `Ab ${price}.`,
};
