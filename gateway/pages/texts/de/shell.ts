import type { Texts } from '../en.ts';

export const shell: Texts['shell'] = {
  goOn: 'Weiter',
  position: 'Position: {n}',
  ahead: '{n} vor Ihnen',
  next: 'Sie sind als Nächstes dran',
  rate: 'Einlass: etwa {n} pro Minute',
  wait: 'Wartezeit: {n}',
  waitUnknown: 'Wartezeit: noch nicht absehbar',
  held: 'Alle übrigen Plätze liegen in Warenkörben; der nächste wird vielleicht um {n} frei',
  paused: 'Der Veranstalter hat den Einlass angehalten. Niemand überholt Sie.',
  safe: 'Ihr Platz bleibt Ihnen',
  away: 'Wir versuchen weiter, die Warteschlange zu erreichen',
  rules: (grace, claim) =>
    `Sie können die Seite schließen oder das Telefon sperren: Ihr Platz bleibt ${grace} lang Ihrer. Sind Sie dran, bleiben Ihnen ${claim}.`,
  lobbyRule:
    'Wer bis dahin hier ist, bekommt einen zufälligen Platz; früher hilft nicht, später ist dahinter.',
  draw: 'Auslosung prüfen',
  drawing: 'Die Reihenfolge des Vorraums wird gerade ausgelost.',
  beacon: 'Die Reihenfolge des Vorraums wird ausgelost, sobald „{name}“ bekannt ist.',
  updated: 'Stand {n}. Aktualisieren',
  more: 'Benachrichtigen, verlassen',
  prices: 'Preise mit allen Gebühren',
};
