import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { Problem, type ProblemCode, problems } from '#shared/problem.ts';
import { everyPage } from '../testing/every-page.ts';
import { type Page, publicPage } from './layout.ts';
import { type Locale, locales } from './locale.ts';
import { pageProblem } from './problem-page.ts';
import { en } from './texts/en.ts';

const SENTENCE_WORDS_MIN = 3;

/** Every piece of an English text that stands between two places and is at least three words long. */
function sentencesOf(texts: object): string[] {
  return Object.values(texts).flatMap((text: unknown) => {
    if (typeof text === 'object' && text !== null) return sentencesOf(text);
    const whole = typeof text === 'function' ? String(text('{}', '{}', '{}')) : String(text);
    return whole
      .split(/\{\w*\}/)
      .map((piece) => piece.trim())
      .filter((piece) => piece.split(/\s+/).length >= SENTENCE_WORDS_MIN);
  });
}
const english = sentencesOf(en);

const asRead = (document: string): string =>
  document
    .replaceAll(/<style>.*?<\/style>|<script>.*?<\/script>/gs, '')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/<\/?(?:bdi|span|code)[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ');

const documentOf = async (locale: Locale, page: Page): Promise<string> =>
  new TextDecoder().decode((await publicPage(locale, page, 'no-store')).body);

/** The page of a mail is for developers, in English. */
const pagesIn = (locale: Locale): [string, Page][] =>
  everyPage(locale)
    .filter(({ kind }) => kind !== 'mail')
    .map(({ kind, name, page }): [string, Page] => [`${kind}: ${name}`, page]);

test('the comparison finds English where it is', async () => {
  const found = new Set<string>();
  for (const [, page] of pagesIn(locales.en)) {
    const text = asRead(await documentOf(locales.en, page));
    for (const sentence of english) if (text.includes(sentence)) found.add(sentence);
  }
  const written = sentencesOf({ shell: en.shell, queue: en.queue, order: en.order, draw: en.draw });
  // Other refusals of an access code, other words about seats, and forms of counts that are not on these pages.
  expect(written.filter((sentence) => !found.has(sentence)).length).toBeLessThan(written.length / 10);
});

describe.each([locales.de, locales.ar])('in $language', (locale) => {
  test.each(pagesIn(locale))('%s has no English sentence left', async (_, page) => {
    const document = await documentOf(locale, page);
    expect(document).toMatch(new RegExp(`<html lang="?${locale.language}"? dir="?${locale.direction}"?>`));
    const text = asRead(document);
    expect(english.filter((sentence) => text.includes(sentence))).toEqual([]);
  });

  test.each(Object.keys(problems) as ProblemCode[])('the problem %s is told in it', async (code) => {
    const app = new Hono();
    app.get('*', async (c) => (await pageProblem(c, new Problem(code, 'What the API says.'))) as Response);
    const answer = await app.request('/somewhere', {
      headers: { accept: 'text/html', 'accept-language': locale.language },
    });
    expect(answer.status).toBe(problems[code].status);
    const document = await answer.text();
    expect(document).toContain(`<html lang="${locale.language}" dir="${locale.direction}">`);
    const text = asRead(document);
    expect(
      [...english, 'What the API says', problems[code].title].filter((words) => text.includes(words)),
    ).toEqual([]);
  });
});
