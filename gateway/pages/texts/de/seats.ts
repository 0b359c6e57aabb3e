import type { Texts } from '../en.ts';

export const seats: Texts['seats'] = {
  section: (section) => `Bereich ${section}`,
  seat: (section, row, number) => `Bereich ${section}, Reihe ${row}, Platz ${number}`,
  kinds: {
    standard: '',
    accessible: 'Rollstuhlplatz',
    companion: 'Begleitplatz',
  },
};
