import type { Texts } from '../en.ts';

export const frame: Texts['frame'] = {
  languages: 'اللغة',
};
