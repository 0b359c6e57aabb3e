import { html } from 'hono/html';
import type { Html } from './layout.ts';

/** A sentence of the texts with what stands in its places, `{name}` each: text, or a piece of the page. */
export const sentence = (text: string, places: Record<string, Html | string>): Html =>
  html`${text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 === 1 ? places[piece] : piece))}`;

/** A name that somebody gave, in its own direction whatever stands around it. */
export const named = (name: string): Html => html`<bdi>${name}</bdi>`;
