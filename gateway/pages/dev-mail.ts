import { Hono } from 'hono';
import { html } from 'hono/html';
import { idPattern } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import type { BookingClient } from '../booking/client.ts';
import { type Page, page } from './layout.ts';
import { named } from './sentence.ts';

type MailSummary = { id: string; at: string; to: string; subject: string };
type Mail = MailSummary & { text: string; html: string };

/** The mails that would have been sent, for development without a mail server. */
export function devMailRoutes(booking: BookingClient) {
  const app = new Hono();

  app.get('/', async (c) => {
    const { mails } = await booking.call<{ mails: MailSummary[] }>({
      method: 'GET',
      path: '/internal/dev/mail',
    });
    return page(c, mailsPage(mails));
  });

  app.get('/:mail', async (c) => {
    const id = c.req.param('mail');
    if (!idPattern.test(id)) throw new Problem('not-found', 'There is no such mail.');
    const mail = await booking.call<Mail>({ method: 'GET', path: `/internal/dev/mail/${id}` });
    return page(c, mailPage(mail));
  });

  return app;
}

/** In English whatever the reader's language: developers read it. A mail has the direction of its own words. */
export const mailsPage = (mails: readonly MailSummary[]): Page => ({
  title: 'Mail',
  body: html`<div lang="en" dir="ltr">
    <h1>Mail</h1>
    <p>Without a mail server every mail is kept here, newest first.</p>
    <ul class="list">
      ${mails.map(
        (mail) => html`<li>
          <a href="/dev/mail/${mail.id}">${named(mail.subject)}</a>
          <span>${named(mail.to)}, ${mail.at}</span>
        </li>`,
      )}
    </ul>
  </div>`,
});

export const mailPage = (mail: Omit<Mail, 'html'>): Page => ({
  title: mail.subject,
  body: html`<div lang="en" dir="ltr">
    <h1>${named(mail.subject)}</h1>
    <p>To ${named(mail.to)}, ${mail.at}</p>
    <pre class="mail" dir="auto">${mail.text}</pre>
    <p><a href="/dev/mail">All mail</a></p>
  </div>`,
});
