import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Money } from '#shared/contract/fields.ts';
import { ar } from './texts/ar.ts';
import { de } from './texts/de.ts';
import { en, type Texts } from './texts/en.ts';
import { inUnits, type PluralForms, type Range, tagOf, waitForms, wordsOf } from './words.ts';

export const languages = ['en', 'de', 'ar'] as const;
export type Language = (typeof languages)[number];
export type { PluralForms };

/** What a page is written with: the words of a language, and how it writes numbers and times. */
export type Locale = {
  language: Language;
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
  /** How long a fan waits, as a range; null: nobody can say yet. */
  wait: (range: Range | null) => string;
  /** A seat's id in words: A-1-14 is section A, row 1, seat 14. */
  seat: (id: string) => string;
};

const MINUTE_SECONDS = 60;
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

function createLocale(
  language: Language,
  direction: Locale['direction'],
  name: string,
  texts: Texts,
): Locale {
  const tag = tagOf(language);
  const { number, count, wait, clock } = wordsOf(tag);
  const time = (options: Intl.DateTimeFormatOptions) => (iso: string, timeZone: string) =>
    new Intl.DateTimeFormat(tag, { ...options, timeZone }).format(new Date(iso));
  return {
    ...{ language, direction, name, texts, number, count, clock },
    money: ({ amount, currency }) => {
      const format = new Intl.NumberFormat(tag, { style: 'currency', currency });
      return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
    },
    day: time({ dateStyle: 'full', timeStyle: 'short' }),
    moment: time({ dateStyle: 'long', timeStyle: 'long' }),
    duration: (seconds) =>
      seconds < 2 * MINUTE_SECONDS
        ? inUnits(tag, Math.max(0, Math.round(seconds)), 'second')
        : inUnits(tag, Math.round(seconds / MINUTE_SECONDS), 'minute'),
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

const asLanguage = (given: string | undefined): Language | undefined =>
  languages.find((language) => language === given);

/** The language that was asked for by address (`?lang=de`), if any. */
const askedLanguage = (c: Context): Language | undefined => asLanguage(c.req.query('lang'));

/** The locale of one fan's page: asked for by address, chosen before, or the browser's own. */
export const localeOf = (c: Context): Locale =>
  locales[
    askedLanguage(c) ??
      asLanguage(getCookie(c, CHOSEN_SECURE_COOKIE) ?? getCookie(c, CHOSEN_COOKIE)) ??
      acceptedLanguage(c.req.header('accept-language'))
  ];

/** The locale of a page that shared caches keep: they cannot keep one for each set of cookies. */
export const publicLocaleOf = (c: Context): Locale =>
  locales[askedLanguage(c) ?? acceptedLanguage(c.req.header('accept-language'))];

/** The cookie that remembers a language that was asked for by address; null where none was. */
export function chosenLanguageCookie(c: Context, publicUrl: string): string | null {
  const asked = askedLanguage(c);
  if (asked === undefined) return null;
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
