import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync, transformSync } from 'esbuild';
import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Problem } from '#shared/problem.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

type PageStatus = 200 | Problem['status'];

export type Page = {
  title: string;
  body: Html;
  script?: InlineScript;
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

/** A whole page. Everything interpolated into `html` templates is escaped. */
export async function page(
  c: Context,
  { title, body, script, refreshSeconds, status = 200 }: Page,
): Promise<Response> {
  c.header('content-security-policy', contentSecurityPolicy(script));
  c.header('referrer-policy', 'same-origin');
  c.header('x-content-type-options', 'nosniff');
  c.header('cache-control', 'no-store');
  const meta = refreshSeconds ? html`<meta http-equiv="refresh" content="${refreshSeconds}" />` : '';
  const refresh = refreshSeconds && script ? html`<noscript>${meta}</noscript>` : meta;
  const document = html`<!doctype html>
    <html lang="en" dir="ltr">
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
        ${script ? html`<script>${raw(script.source)}</script>` : ''}
      </body>
    </html>`;
  return c.html(await document, status);
}
