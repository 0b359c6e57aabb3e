import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { type FinishedAnswer, finishAnswer } from '#shared/finished-answer.ts';
import type { Problem } from '#shared/problem.ts';
import { type InlineScript, type InlineStyle, styles } from './browser-code.made.ts';
import { type Locale, localeOf, locales } from './locale.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

type PageStatus = 200 | Problem['status'];

export type Page = {
  title: string;
  body: Html;
  script?: InlineScript | undefined;
  /** Only the style that all pages share, for a page that has to be light. */
  isLight?: boolean;
  /** Without anything that a browser can do without; with its own style only. */
  isBare?: boolean;
  /** What this page needs beyond the style that others have too. */
  style?: InlineStyle;
  /** Without JavaScript the page asks again after this time; a page without a script does so in any case. */
  refreshSeconds?: number | undefined;
  status?: PageStatus;
};

const stylesOf = ({ isLight = false, isBare = false, style: own }: Page): InlineStyle[] => [
  ...(isBare ? [] : [isLight ? styles.base : styles.page]),
  ...(own ? [own] : []),
];

/** Nothing but what is in the page itself may load or run; nobody may frame it. */
const contentSecurityPolicy = (content: Page): string =>
  [
    "default-src 'none'",
    `style-src ${stylesOf(content)
      .map(({ hash }) => hash)
      .join(' ')}`,
    `script-src ${content.script?.hash ?? "'none'"}`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** What a page could ask a fan's device for and none of these does. */
const PERMISSIONS_POLICY = ['camera', 'geolocation', 'microphone', 'payment', 'usb', 'browsing-topics']
  .map((feature) => `${feature}=()`)
  .join(', ');

const pageHeaders = (content: Page, cacheControl: string): Record<string, string> => ({
  'content-security-policy': contentSecurityPolicy(content),
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // A page that opened this one, or that this one opens, reaches nothing in it; and nobody embeds what is in it.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': PERMISSIONS_POLICY,
  'cache-control': cacheControl,
});

/** A whole page, for one fan alone. */
export async function page(c: Context, content: Page): Promise<Response> {
  const headers = pageHeaders(content, 'no-store');
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.html(await documentOf(localeOf(c), content), content.status ?? 200);
}

/** A page that is the same for everybody who reads a language, made once. */
export async function publicPage(
  locale: Locale,
  content: Page,
  cacheControl: string,
): Promise<FinishedAnswer> {
  const document = String(await documentOf(locale, content));
  const headers = { ...pageHeaders(content, cacheControl), vary: 'accept-language' };
  return finishAnswer(document, 'text/html; charset=UTF-8', headers);
}

/** Where whoever comes to a page begins: a keyboard goes on from there, and a screen reader says it first. */
export const hasFocus = (isHere: boolean): Html | string => (isHere ? html`tabindex="-1" autofocus` : '');

/** Each language by its own name, for whoever reads no other. */
const languageLinks = ({
  language: current,
  texts,
}: Locale): Html => html`<nav aria-label="${texts.frame.languages}">
  ${Object.values(locales).map(({ language, name }) =>
    language === current
      ? html`<span lang="${language}" aria-current="true">${name}</span> `
      : html`<a href="?lang=${language}" lang="${language}" hreflang="${language}">${name}</a> `,
  )}
</nav>`;
const otherLanguages = ({ language: current }: Locale): Html =>
  html`${Object.values(locales)
    .filter(({ language }) => language !== current)
    .map(({ language, name }) => html`<a href="?lang=${language}" lang="${language}">${name}</a>`)}`;

/** Everything interpolated into `html` templates is escaped. */
async function documentOf(locale: Locale, content: Page): Promise<HtmlEscapedString> {
  const { title, body, script, refreshSeconds, isLight, isBare } = content;
  const meta = refreshSeconds ? html`<meta http-equiv="refresh" content="${refreshSeconds}" />` : '';
  const refresh = refreshSeconds && script ? html`<noscript>${meta}</noscript>` : meta;
  const head = String(
    await html`<!doctype html>
      <html lang="${locale.language}" dir="${locale.direction}">
        <head>
          ${isBare ? '' : html`<meta charset="utf-8" />`}
          <meta name="viewport" content="width=device-width${isBare ? '' : ', initial-scale=1'}" />
          <title>${title}</title>
          <link rel="icon" href="data:," />
          ${refresh}`,
  );
  const shown = String(
    await html`<body>
      <main>${body}</main>
      <footer>${isBare ? otherLanguages(locale) : languageLinks(locale)}</footer>`,
  );
  const made = isBare ? bare : isLight ? tight : (markup: string) => markup;
  const ending = script ? `<script>${script.source}</script>` : '';
  const styles = stylesOf(content).map(({ source }) => `<style>${source}</style>`);
  return raw(`${made(head)}${styles.join('')}</head>${made(shown)}${ending}</body></html>`);
}

const BLOCK =
  '!doctype|html|head|meta|title|link|body|main|header|footer|nav|section|div|h1|h2|p|ul|li|form|details|summary';
const aroundBlocks = new RegExp(`\\s*(</?(?:${BLOCK})\\b[^>]*>)\\s*`, 'g');

/** The same page without the space that is not seen. What was interpolated has no tags, and no space that counts. */
const tight = (markup: string): string => markup.replace(/\s+/g, ' ').replace(aroundBlocks, '$1');

/** Without what HTML lets be left away too: quotes, the ends of paragraphs. A text has no quotes, and no tags. */
const bare = (markup: string): string =>
  tight(markup)
    .replace(/="([\w/#.,;?=-]+)"(?=[ >])/g, (attribute, value: string) =>
      value.includes('=') ? attribute : `=${value}`,
    )
    .replace(/ ?\/>/g, '>')
    .replace(/ >/g, '>')
    .replace(/<\/p>(?=<\/?(?:p|div|h2|section|form)\b)/g, '');
