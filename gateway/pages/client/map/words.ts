import type { ScriptWords } from '../../seat-map/script-words.ts';
import { fill, inMoney, moneyFormat, tagOf, wordsOf } from '../../words.ts';

const tag = tagOf(document.documentElement.lang);

export { fill };
export const { count } = wordsOf(tag);

export const money = (amount: number, currency: string): string =>
  inMoney(moneyFormat(tag, currency), amount);

/** A seat's id in words. */
export function seatInWords(words: ScriptWords, id: string): string {
  const [section = '', row = '', number = ''] = id.split('-');
  return fill(words.seat, { section, row, number });
}

/** Several seats in one sentence. */
export const seatsInWords = (words: ScriptWords, ids: readonly string[]): string =>
  ids.map((id) => seatInWords(words, id)).join(words.between);
