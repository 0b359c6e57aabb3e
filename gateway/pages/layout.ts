import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync, transformSync } from 'esbuild';
import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { type FinishedAnswer, finishAnswer } from '#shared/finished-answer.ts';
import type { Problem } from '#shared/problem.ts';
import { type Locale, localeOf, locales } from './locale.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

type PageStatus = 200 | Problem['status'];

export type Page = {
  title: string;
  body: Html;
  script?: InlineScript | undefined;
  /** Without JavaScript the page asks again after this time; a page without a script does so in any case. */
  refreshSeconds?: number | undefined;
  status?: PageStatus;
};

/** A script for the browser, made from TypeScript once at the start. */
export type InlineScript = { source: string; hash: string };

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export function inlineScript(file: URL): InlineScript {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(file)],
    bundle: true,
    minify: true,
    format: 'iife',
    write: false,
  });
  const source = (outputFiles[0]?.text ?? '').trim();
  return { source, hash: sha256(source) };
}

const style = transformSync(readFileSync(new URL('./style.css', import.meta.url), 'utf8'), {
  loader: 'css',
  minify: true,
}).code.trim();
const styleHash = sha256(style);

/** Nothing but what is in the page itself may load or run; nobody may frame it. */
const contentSecurityPolicy = (script: InlineScript | undefined): string =>
  [
    "default-src 'none'",
    `style-src ${styleHash}`,
    `script-src ${script?.hash ?? "'none'"}`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const pageHeaders = (script: InlineScript | undefined, cacheControl: string): Record<string, string> => ({
  'content-security-policy': contentSecurityPolicy(script),
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': cacheControl,
});

/** A whole page, for one fan alone. */
export async function page(c: Context, content: Page): Promise<Response> {
  const headers = pageHeaders(content.script, 'no-store');
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
  const headers = { ...pageHeaders(content.script, cacheControl), vary: 'accept-language' };
  return finishAnswer(document, 'text/html; charset=UTF-8', headers);
}

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

/** Everything interpolated into `html` templates is escaped. */
function documentOf(locale: Locale, { title, body, script, refreshSeconds }: Page): Html {
  const meta = refreshSeconds ? html`<meta http-equiv="refresh" content="${refreshSeconds}" />` : '';
  const refresh = refreshSeconds && script ? html`<noscript>${meta}</noscript>` : meta;
  return html`<!doctype html>
    <html lang="${locale.language}" dir="${locale.direction}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        ${refresh}
        <style>${raw(style)}</style>
      </head>
      <body>
        <main>${body}</main>
        <footer>${languageLinks(locale)}</footer>
        ${script ? html`<script>${raw(script.source)}</script>` : ''}
      </body>
    </html>`;
}
