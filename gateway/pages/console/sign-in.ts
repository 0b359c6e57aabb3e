import { html } from 'hono/html';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { alert, textField } from './frame.ts';

/** Where to after signing in: a place of the console, and nowhere else. */
export const placeAfter = (asked: string | null | undefined): string =>
  asked && /^\/organiser(?:\/[A-Za-z0-9_/-]*)?$/.test(asked) ? asked : '/organiser';

export const signInPage = (view: { to: string; refused: string | null }, { texts }: Locale): Html => {
  const { signIn } = texts.console;
  return html`<h1>${signIn.title}</h1>
    ${view.refused ? alert(view.refused) : ''}
    <form class="card" method="post" action="/organiser/sign-in">
      <input type="hidden" name="to" value="${view.to}" />
      ${textField({
        ...{ id: 'key', name: 'key', label: signIn.key, hint: signIn.hint },
        attributes: { type: 'password', required: true, autocomplete: 'current-password', dir: 'ltr' },
      })}
      <p class="actions"><button>${signIn.submit}</button></p>
    </form>`;
};
