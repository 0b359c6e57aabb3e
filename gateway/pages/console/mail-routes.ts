import { Hono } from 'hono';
import { html } from 'hono/html';
import { type DeadLettersAnswer, PageQuery, ResendRequest } from '#shared/contract/organiser.ts';
import { validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { requireId } from '../../organiser/answer.ts';
import type { Html } from '../layout.ts';
import { type Locale, localeOf } from '../locale.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  problemWords,
  readConsoleForm,
  written,
} from './context.ts';
import { alert, consolePage, textField } from './frame.ts';

const MESSAGES_PER_PAGE = 50;

/** Messages that could not be delivered, and sending them again. */
export function mailRoutes({ catalogue }: ConsoleDeps) {
  const app = new Hono<ConsoleEnv>();

  const show = async (
    c: ConsoleContext,
    { told = null, refused = null }: { told?: string | null; refused?: string | null } = {},
    status: Problem['status'] | 200 = 200,
  ) => {
    const locale = localeOf(c);
    const query = validate(PageQuery, { limit: MESSAGES_PER_PAGE, after: c.req.query('after') || undefined });
    const letters = await catalogue.deadLetters(query);
    return consolePage(c, {
      title: locale.texts.console.mail.title,
      body: mailPage(letters, { told, refused }, locale),
      status,
    });
  };

  app.get('/mail', (c) => show(c));

  app.post('/mail', async (c) => {
    const form = await readConsoleForm(c);
    const message = requireId(form.get('message') ?? '');
    const locale = localeOf(c);
    const done = await attempt(async () =>
      catalogue.resend(
        message,
        validate(ResendRequest, { reason: written(form, 'reason') }),
        c.get('organiser'),
      ),
    );
    return done instanceof Problem
      ? show(c, { refused: problemWords(done, locale) }, done.status)
      : show(c, { told: locale.texts.console.mail[done.state] });
  });

  return app;
}

/** A page of the messages. */
export function mailPage(
  { messages, next }: DeadLettersAnswer,
  { told, refused }: { told: string | null; refused: string | null },
  locale: Locale,
): Html {
  const { mail: words } = locale.texts.console;
  const kinds: Record<string, string> = words.kinds;
  return html`<h1>${words.title}</h1>
    ${refused ? alert(refused) : ''} ${told ? html`<p class="card notice" role="status">${told}</p>` : ''}
    <p class="soft">${words.about}</p>
    ${messages.length === 0 ? html`<p>${words.none}</p>` : ''}
    <ul class="list">
      ${messages.map(
        ({ message, kind, order, sale, recipient, attempts, lastError, createdAt }) => html`<li>
          <div><b>${kinds[kind] ?? words.kind}</b> <code class="hint" dir="ltr">${kind}</code></div>
          <span><a href="/organiser/sales/${sale}/orders">${words.order(order)}</a></span>
          ${recipient ? html`<span dir="auto">${words.to(recipient)}</span>` : ''}
          <span>${locale.moment(createdAt, 'UTC')} · ${words.attempts(locale.number(attempts))}</span>
          ${lastError ? html`<span dir="auto">${words.lastError(lastError)}</span>` : ''}
          <form method="post" action="/organiser/mail">
            <input type="hidden" name="message" value="${message}" />
            ${textField({
              ...{ id: `reason-${message}`, name: 'reason', label: words.reason },
              attributes: { maxlength: 500, autocomplete: 'off' },
            })}
            <p class="actions"><button>${words.resend}</button></p>
          </form>
        </li>`,
      )}
    </ul>
    ${next ? html`<p><a href="?after=${next}">${words.older}</a></p>` : ''}`;
}
