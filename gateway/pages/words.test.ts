import { describe, expect, test } from 'vitest';
import { type Language, languages, locales } from './locale.ts';
import { tagOf, timeLeft } from './words.ts';

const minutes = (low: number, high: number) => ({ lowSeconds: low * 60, highSeconds: high * 60 });
const hours = (low: number, high: number) => minutes(low * 60, high * 60);

const waits: [{ lowSeconds: number; highSeconds: number } | null, Record<Language, string>][] = [
  [
    null,
    {
      en: 'We cannot say yet how long it takes.',
      de: 'Wir können noch nicht sagen, wie lange es dauert.',
      ar: 'لا يمكننا بعد أن نحدد مدة الانتظار.',
    },
  ],
  [
    minutes(0, 0.2),
    {
      en: 'Your wait: less than a minute.',
      de: 'Ihre Wartezeit: weniger als eine Minute.',
      ar: 'مدة انتظارك: أقل من دقيقة.',
    },
  ],
  [
    minutes(0.9, 1.1),
    {
      en: 'Your wait: up to 2 minutes.',
      de: 'Ihre Wartezeit: bis zu 2 Minuten.',
      ar: 'مدة انتظارك: دقيقتان على الأكثر.',
    },
  ],
  [
    minutes(1, 1),
    {
      en: 'Your wait: about 1 minute.',
      de: 'Ihre Wartezeit: etwa 1 Minute.',
      ar: 'مدة انتظارك: دقيقة تقريبًا.',
    },
  ],
  [
    minutes(18.9, 26.1),
    {
      en: 'Your wait: 18 to 27 minutes.',
      de: 'Ihre Wartezeit: 18 bis 27 Minuten.',
      ar: 'مدة انتظارك: 18 دقيقة على الأقل، 27 دقيقة على الأكثر.',
    },
  ],
  [
    hours(1.9, 2),
    {
      en: 'Your wait: 1 to 2 hours.',
      de: 'Ihre Wartezeit: 1 bis 2 Stunden.',
      ar: 'مدة انتظارك: ساعة على الأقل، ساعتان على الأكثر.',
    },
  ],
  [
    hours(4.9, 9.1),
    {
      en: 'Your wait: 4 to 10 hours.',
      de: 'Ihre Wartezeit: 4 bis 10 Stunden.',
      ar: 'مدة انتظارك: 4 ساعات على الأقل، 10 ساعات على الأكثر.',
    },
  ],
];

test.each(waits)('a wait of %j is told as a range, rounded outward, in every language', (range, words) => {
  for (const language of languages) expect(locales[language].wait(range)).toBe(words[language]);
});

const ahead: [number, Record<Language, string>][] = [
  [0, { en: 'You are next.', de: 'Sie sind als Nächstes dran.', ar: 'دورك هو التالي.' }],
  [1, { en: '1 ahead of you.', de: '1 vor Ihnen.', ar: 'أمامك شخص واحد.' }],
  [2, { en: '2 ahead of you.', de: '2 vor Ihnen.', ar: 'أمامك شخصان.' }],
  [3, { en: '3 ahead of you.', de: '3 vor Ihnen.', ar: 'أمامك 3 أشخاص.' }],
  [11, { en: '11 ahead of you.', de: '11 vor Ihnen.', ar: 'أمامك 11 شخصًا.' }],
  [100, { en: '100 ahead of you.', de: '100 vor Ihnen.', ar: 'أمامك 100 شخص.' }],
  [12_407, { en: '12,407 ahead of you.', de: '12.407 vor Ihnen.', ar: 'أمامك 12,407 أشخاص.' }],
  [12_431, { en: '12,431 ahead of you.', de: '12.431 vor Ihnen.', ar: 'أمامك 12,431 شخصًا.' }],
];

test.each(ahead)('%i ahead are told in the form that each language asks for', (value, words) => {
  for (const language of languages) {
    const { count, texts } = locales[language];
    expect(count(value, texts.queue.ahead)).toBe(words[language]);
  }
});

test('one that is let in is told as one, and nobody is not told of', () => {
  const told = (language: Language, value: number) =>
    locales[language].count(value, locales[language].texts.queue.rate);
  expect([told('en', 0), told('de', 0), told('ar', 0)]).toEqual(['', '', '']);
  expect(told('en', 1)).toBe('About one a minute is let in.');
  expect(told('de', 1)).toBe('Etwa einer pro Minute wird eingelassen.');
  expect(told('ar', 2)).toBe('يدخل شخصان تقريبًا كل دقيقة.');
  expect(told('en', 520)).toBe('About 520 a minute are let in.');
});

/** Every sentence about a count, wherever in the texts it stands. */
function counted(texts: object, path = ''): [string, Record<string, string>][] {
  return Object.entries(texts).flatMap(([name, value]) => {
    if (typeof value !== 'object') return [];
    return 'other' in value && (value.other as unknown) !== null && String(value.other).includes('{n}')
      ? [[`${path}${name}`, value as Record<string, string>]]
      : counted(value, `${path}${name}.`);
  });
}

describe.each(languages)('%s', (language) => {
  test.each(counted(locales[language].texts))('%s has every form that its language takes', (_, forms) => {
    const needed = new Set(
      Array.from({ length: 1_000 }, (_, n) => new Intl.PluralRules(language).select(n + 1)),
    );
    for (const form of needed) {
      // A form that says the same as `other` need not be written in languages that have two.
      if (needed.size > 2) expect(forms).toHaveProperty(form);
    }
    for (const [form, text] of Object.entries(forms))
      if (!['none', 'zero', 'one', 'two'].includes(form)) expect(text).toContain('{n}');
  });
});

test('a time of day is the venue’s, in the words of the language', () => {
  const clock = (language: Language) => locales[language].clock('2026-06-01T10:00:42.000Z', 'Europe/Berlin');
  expect(clock('en')).toBe('12:00:42 GMT+2');
  expect(clock('de')).toBe('12:00:42 MESZ');
  expect(clock('ar')).toMatch(/^12:00:42 /);
});

test.each([
  [0, ['0:00', '0:00', '0:00']],
  [249, ['4:09', '4:09', '4:09']],
  [3_849, ['1:04:09', '1:04:09', '1:04:09']],
  [176_649, ['2 days 1:04:09', '2 Tage 1:04:09', 'يومان 1:04:09']],
])('%i seconds left read %j', (seconds, words) => {
  expect(languages.map((language) => timeLeft(seconds, tagOf(language)))).toEqual(words);
});
