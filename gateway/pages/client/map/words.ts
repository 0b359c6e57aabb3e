import type { ScriptWords } from '../../seat-map/script-words.ts';
import { fill, tagOf, wordsOf } from '../../words.ts';

const tag = tagOf(document.documentElement.lang);

export { fill };
export const { count } = wordsOf(tag);

export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat(tag, { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A seat's id in words. */
export function seatInWords(words: ScriptWords, id: string): string {
  const [section = '', row = '', number = ''] = id.split('-');
  return fill(words.seat, { section, row, number });
}

/** Several seats in one sentence. */
export const seatsInWords = (words: ScriptWords, ids: readonly string[]): string =>
  ids.map((id) => seatInWords(words, id)).join(words.between);
