import type { Texts } from '../en.ts';

/** A section's name stands in its own direction (U+2068 to U+2069) inside the sentence around it. */
const isolated = (name: string) => `\u2068${name}\u2069`;

export const seats: Texts['seats'] = {
  section: (section) => `القسم ${isolated(section)}`,
  seat: (section, row, number) => `القسم ${isolated(section)}، الصف ${row}، المقعد ${number}`,
  kinds: {
    standard: '',
    accessible: 'مكان لكرسي متحرك',
    companion: 'مقعد مرافق',
  },
};
