import { html } from 'hono/html';
import type { Html } from './layout.ts';
import type { Locale } from './locale.ts';

/** Time left as of the page, which its script counts down; without one a page that is renewed says as much. */
export const countdown = (
  until: string,
  asOf: string,
  locale: Locale,
  attributes: Html | string = '',
): Html =>
  html`<span data-until="${until}" ${attributes}>${locale.timeLeft((Date.parse(until) - Date.parse(asOf)) / 1_000)}</span>`;
