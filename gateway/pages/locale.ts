import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Money } from '#shared/contract/fields.ts';
import { ar } from './texts/ar.ts';
import { de } from './texts/de.ts';
import { en, type Texts } from './texts/en.ts';
import {
  clockFormat,
  inMoney,
  moneyFormat,
  type PluralForms,
  type Range,
  tagOf,
  timeLeft,
  type Unit,
  unitFormat,
  waitForms,
  wordsOf,
} from './words.ts';

export const languages = ['en', 'de', 'ar'] as const;
export type Language = (typeof languages)[number];
export type { PluralForms };

/** What a page is written with: the words of a language, and how it writes numbers and times. */
export type Locale = {
  language: Language;
  /** Whether its reader chose it; else it is the browser's own. */
  isChosen: boolean;
  direction: 'ltr' | 'rtl';
  /** The language's own name. */
  name: string;
  texts: Texts;
  /** A sentence in the form that its count asks for. */
  count: (value: number, forms: PluralForms) => string;
  number: (value: number) => string;
  money: (money: Money) => string;
  /** A date with its weekday, in the venue's own time zone. */
  day: (iso: string, timeZone: string) => string;
  /** A date and a time to the second, in the venue's own time zone. */
  moment: (iso: string, timeZone: string) => string;
  /** A time of day with seconds and its zone. */
  clock: (iso: string, timeZone: string) => string;
  /** A length of time in words, rounded to what a person plans with. */
  duration: (seconds: number) => string;
  /** What a clock says that counts down. */
  timeLeft: (seconds: number) => string;
  /** How long a fan waits, as a range; null: nobody can say yet. */
  wait: (range: Range | null) => string;
  /** A seat's id in words: A-1-14 is section A, row 1, seat 14. */
  seat: (id: string) => string;
};

const MINUTE_SECONDS = 60;
/** Of one kind; there are some 600 time zones. */
const FORMATS_MAX = 1_000;
/** A choice, and no secret: behind https it has the prefix that binds it to this host all the same. */
const CHOSEN_COOKIE = 'lang';
const CHOSEN_SECURE_COOKIE = '__Host-lang';
const CHOSEN_COOKIE_SECONDS = 365 * 24 * 3_600;
/** Nobody reads so many languages; the rest of a longer header is not looked at. */
const ACCEPTED_MAX = 20;

export const locales: Record<Language, Locale> = {
  en: createLocale('en', 'ltr', 'English', en),
  de: createLocale('de', 'ltr', 'Deutsch', de),
  ar: createLocale('ar', 'rtl', 'العربية', ar),
};

const chosenLocales: Record<Language, Locale> = {
  en: { ...locales.en, isChosen: true },
  de: { ...locales.de, isChosen: true },
  ar: { ...locales.ar, isChosen: true },
};

/** In all languages, for who chose one and for who did not: the same objects always. */
export const everyLocale: readonly Locale[] = [...Object.values(locales), ...Object.values(chosenLocales)];

/**
 * Where a link or a redirect leads. Pages that shared caches keep read no cookie and set none: whatever leads to them, and on
 * from them, carries a language that was chosen in its address.
 */
export const withLanguage = (path: string, { language, isChosen }: Locale): string =>
  isChosen ? `${path}?lang=${language}` : path;

function createLocale(
  language: Language,
  direction: Locale['direction'],
  name: string,
  texts: Texts,
): Locale {
  const tag = tagOf(language);
  const unit = once((name: Unit) => unitFormat(tag, name));
  const { number, count, wait } = wordsOf(tag, unit);
  const inZone = (formatOf: (timeZone: string) => Intl.DateTimeFormat) => {
    const formats = once(formatOf);
    return (iso: string, timeZone: string) => formats(timeZone).format(new Date(iso));
  };
  const time = (options: Intl.DateTimeFormatOptions) =>
    inZone((timeZone) => new Intl.DateTimeFormat(tag, { ...options, timeZone }));
  const price = once((currency: string) => moneyFormat(tag, currency));
  return {
    ...{ language, direction, name, texts, number, count },
    isChosen: false,
    money: ({ amount, currency }) => inMoney(price(currency), amount),
    clock: inZone((timeZone) => clockFormat(tag, timeZone)),
    day: time({ dateStyle: 'full', timeStyle: 'short' }),
    moment: time({ dateStyle: 'long', timeStyle: 'long' }),
    duration: (seconds) =>
      seconds < 2 * MINUTE_SECONDS
        ? unit('second').format(Math.max(0, Math.round(seconds)))
        : unit('minute').format(Math.round(seconds / MINUTE_SECONDS)),
    timeLeft: (seconds) => timeLeft(Math.max(0, Math.floor(seconds)), tag),
    wait: (range) =>
      wait(
        range,
        waitForms.map((form) => texts.queue.wait[form]),
      ),
    seat: (id) => {
      const [section = '', row = '', seat = ''] = id.split('-');
      return texts.seats.seat(section, row, seat);
    },
  };
}

/** Formats are made once each: making one takes longer than a page. There are as many as zones, currencies and units are used. */
function once<Key, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const made = new Map<Key, Made>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    if (made.size < FORMATS_MAX) made.set(key, known);
    return known;
  };
}

const asLanguage = (given: string | undefined): Language | undefined =>
  languages.find((language) => language === given);

/** The language that was asked for by address (`?lang=de`), if any. */
const askedLanguage = (c: Context): Language | undefined => asLanguage(c.req.query('lang'));

/** The language that was chosen before, if any. */
const rememberedLanguage = (c: Context): Language | undefined =>
  asLanguage(getCookie(c, CHOSEN_SECURE_COOKIE) ?? getCookie(c, CHOSEN_COOKIE));

const localeOfBrowser = (c: Context): Locale => locales[acceptedLanguage(c.req.header('accept-language'))];

/** The locale of one fan's page: asked for by address, chosen before, or the browser's own. */
export function localeOf(c: Context): Locale {
  const chosen = askedLanguage(c) ?? rememberedLanguage(c);
  return chosen ? chosenLocales[chosen] : localeOfBrowser(c);
}

/** The locale of a page that shared caches keep: they cannot keep one for each set of cookies. */
export function publicLocaleOf(c: Context): Locale {
  const asked = askedLanguage(c);
  return asked ? chosenLocales[asked] : localeOfBrowser(c);
}

/** The cookie that remembers a language that was asked for by address; null where none was, or it is remembered already. */
export function chosenLanguageCookie(c: Context, publicUrl: string): string | null {
  const asked = askedLanguage(c);
  if (asked === undefined || asked === rememberedLanguage(c)) return null;
  const attributes = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${CHOSEN_COOKIE_SECONDS}`;
  return publicUrl.startsWith('https:')
    ? `${CHOSEN_SECURE_COOKIE}=${asked}; ${attributes}; Secure`
    : `${CHOSEN_COOKIE}=${asked}; ${attributes}`;
}

/** Of the languages that an Accept-Language header names (RFC 9110 §12.5.4) the one liked best that there is; else English. */
export function acceptedLanguage(header = ''): Language {
  let best: { language: Language; weight: number } | null = null;
  for (const named of header.split(',', ACCEPTED_MAX)) {
    const [range = '', parameter = 'q=1'] = named.split(';').map((part) => part.trim().toLowerCase());
    const language = range === '*' ? 'en' : asLanguage(range.split('-')[0]);
    const weight = /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(parameter) ? Number(parameter.slice(2)) : 0;
    if (language && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? 'en';
}
