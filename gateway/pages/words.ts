/** Words made of numbers and times, for the server's pages and their scripts alike. */

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
/** From here on minutes say more than anybody knows. */
const HOURS_FROM_SECONDS = 2 * HOUR_SECONDS;

export type Range = { lowSeconds: number; highSeconds: number };

/** The forms that a sentence takes with a count (Unicode plural rules), `{n}` in them for the number. */
export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & {
  other: string;
  /** Said of nothing at all, in any language. */
  none?: string;
};

/** What can be said of a wait; see texts/en/queue.ts. */
export const waitForms = ['unknown', 'short', 'upTo', 'about', 'between'] as const;

/** A sentence with what stands in its places, `{name}` each. */
export const fill = (text: string, places: Record<string, string>): string =>
  text.replace(/\{(\w+)\}/g, (place, name: string) => places[name] ?? place);

/** Seats, codes and orders are written in these digits everywhere, and so is every other number. */
export const tagOf = (language: string): string => `${language}-u-nu-latn`;

export type Unit = 'second' | 'minute' | 'hour' | 'day';

/** A number with its unit, in the grammatical number that the language asks for. */
export const unitFormat = (tag: string, unit: Unit): Intl.NumberFormat =>
  new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' });

/** A time of day with seconds and its zone. */
export const clockFormat = (tag: string, timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(tag, {
    timeStyle: 'long',
    hourCycle: 'h23',
    timeZone,
  });

export const moneyFormat = (tag: string, currency: string): Intl.NumberFormat =>
  new Intl.NumberFormat(tag, { style: 'currency', currency });

/** An amount in minor units, as many to one as the currency has. */
export const inMoney = (format: Intl.NumberFormat, amount: number): string =>
  format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));

/** Formats take long to make: a server hands in how it remembers those of the units. */
export function wordsOf(tag: string, formatOf = (unit: Unit) => unitFormat(tag, unit)) {
  const plurals = new Intl.PluralRules(tag);
  const { format: number } = new Intl.NumberFormat(tag);
  return {
    number,

    /** `forms` are PluralForms, as they are in the texts or as the attributes of an element. */
    count: (value: number, forms: Record<string, string | undefined>): string =>
      (
        (value === 0 ? forms.none : undefined) ??
        forms[plurals.select(value)] ??
        forms.other ??
        ''
      ).replaceAll('{n}', number(value)),

    /** A wait as an honest range, rounded outward, in one of the `waitForms`; null: there is nothing to say yet. */
    wait: (range: Range | null, forms: readonly string[]): string => {
      if (!range) return forms[0] ?? '';
      return outward(range, (name, low, high) => {
        const form = low === 0 ? (high === 1 ? 1 : 2) : low === high ? 3 : 4;
        const unit = formatOf(name);
        return (forms[form] ?? '')
          .replace('{n}', number(low))
          .replace('{low}', unit.format(low))
          .replace('{high}', unit.format(high));
      });
    },
  };
}

/** How a language says its named sentences: numbers in their places are written as it writes them. */
export function sayIn<Name extends string>(tag: string, sentences: Record<Name, string>) {
  const { format } = new Intl.NumberFormat(tag);
  return (name: Name, places: Record<string, string | number> = {}): string => {
    const written = Object.entries(places).map(([place, value]) => [
      place,
      typeof value === 'number' ? format(value) : value,
    ]);
    return fill(sentences[name], Object.fromEntries(written));
  };
}

/** Time left as 4:09, 1:04:09 or 2 days 1:04:09. */
export function timeLeft(seconds: number, tag: string): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const days = Math.floor(seconds / DAY_SECONDS);
  const hours = Math.floor(seconds / HOUR_SECONDS) % 24;
  const minutes = Math.floor(seconds / MINUTE_SECONDS) % 60;
  const rest = two(seconds % MINUTE_SECONDS);
  if (days > 0) return `${unitFormat(tag, 'day').format(days)} ${hours}:${two(minutes)}:${rest}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** What `say` makes of a wait that is rounded outward, to whole minutes or hours. */
export function outward(
  { lowSeconds, highSeconds }: Range,
  say: (unit: Unit, low: number, high: number) => string,
): string {
  const inHours = highSeconds >= HOURS_FROM_SECONDS;
  const size = inHours ? HOUR_SECONDS : MINUTE_SECONDS;
  return say(inHours ? 'hour' : 'minute', Math.floor(lowSeconds / size), Math.ceil(highSeconds / size) || 1);
}
