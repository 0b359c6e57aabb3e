import type { Context } from 'hono';
import { html, raw } from 'hono/html';
import { styles } from '../browser-code.made.ts';
import { type Html, type Page, page } from '../layout.ts';
import { type Locale, localeOf } from '../locale.ts';
import type { ConsoleContext } from './context.ts';

/** A page of the console; it is for one organiser alone, and never kept. */
export const consolePage = (c: ConsoleContext, content: Page): Promise<Response> =>
  page(c, framed(content, c.get('organiser'), localeOf(c)));

/** A page with what every page of the console has: its style, and the way to the others. */
export const framed = (content: Page, organiser: string, locale: Locale): Page => ({
  ...content,
  style: styles.console,
  title: `${content.title} – ${locale.texts.console.title}`,
  body: html`${navigation(organiser, locale)}${content.body}`,
});

/** A page for whoever is not signed in. */
export const outsidePage = (c: Context, content: Page): Promise<Response> =>
  page(c, { ...content, style: styles.console });

const navigation = (organiser: string, { texts }: Locale): Html => {
  const { nav } = texts.console;
  return html`<nav class="console" aria-label="${texts.console.title}">
    <a href="/organiser">${nav.events}</a>
    <a href="/organiser/mail">${nav.mail}</a>
    <form method="post" action="/organiser/sign-out">
      <span class="soft"><bdi>${organiser}</bdi></span>
      <button class="quiet">${nav.signOut}</button>
    </form>
  </nav>`;
};

export type Field = {
  id: string;
  name: string;
  label: Html | string;
  value?: string | number | undefined;
  /** What is expected, in words; `fault` takes its place where that was not met. */
  hint?: string | undefined;
  fault?: string | undefined;
  attributes?: Record<string, string | number | true>;
};

/** A labelled field with its hint, or with what is wrong with it. */
export const textField = (field: Field): Html =>
  labelled(
    field,
    html`<input id="${field.id}" name="${field.name}" value="${field.value ?? ''}"${attributesOf(field)} />`,
  );

export const textArea = (field: Field): Html =>
  labelled(
    field,
    html`<textarea id="${field.id}" name="${field.name}"${attributesOf(field)}>
${field.value ?? ''}</textarea
    >`,
  );

const labelled = ({ id, label, hint, fault }: Field, control: Html): Html => html`<div class="field">
  <label for="${id}">${label}</label>
  ${control}
  ${hint ? html`<p class="hint soft" id="${id}-hint">${hint}</p>` : ''}
  ${fault ? html`<p class="bad" id="${id}-fault">${fault}</p>` : ''}
</div>`;

/** Names of attributes are ours; their values are escaped. */
function attributesOf({ id, hint, fault, attributes = {} }: Field): Html {
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  const all: Record<string, string | number | true> = {
    dir: 'auto',
    ...attributes,
    ...(described ? { 'aria-describedby': described } : {}),
    ...(fault ? { 'aria-invalid': 'true' } : {}),
  };
  return html`${Object.entries(all).map(([name, value]) =>
    value === true ? html` ${raw(name)}` : html` ${raw(name)}="${value}"`,
  )}`;
}

/** What went wrong, before anything else. */
export const alert = (words: string): Html => html`<p class="card problem" role="alert">${words}</p>`;
