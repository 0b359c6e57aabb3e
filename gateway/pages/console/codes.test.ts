import { describe, expect, test } from 'vitest';
import { consoleStates } from '../../testing/console-states.ts';
import { publicPage } from '../layout.ts';
import { locales } from '../locale.ts';
import { mailPage } from './mail-routes.ts';

describe.each(Object.values(locales))('in $language', (locale) => {
  const { mail, orders } = locale.texts.console;

  test('an undelivered message says in words what it is, with its code beside them', async () => {
    for (const [kind, words] of [...Object.entries(mail.kinds), ['something-new', mail.kind]]) {
      const letter = { kind, message: 'm', order: 'o', sale: 's', recipient: null, attempts: 9 };
      const messages = [{ ...letter, lastError: null, createdAt: '2026-06-01T10:00:00.000Z' }] as never;
      const page = String(await mailPage({ messages, next: null }, { told: null, refused: null }, locale));
      expect(page).toContain(`<b>${words}</b> <code class="hint" dir="ltr">${kind}</code>`);
    }
  });

  test('an order that failed says in words why, with the code beside them', async () => {
    const { orders: page } = consoleStates(locale);
    const { body } = await publicPage(locale, page!, 'no-store');
    expect(new TextDecoder().decode(body)).toContain(
      `${orders.states.failed}: ${orders.failures['payment-declined']} <code class="hint" dir="ltr">payment-declined</code>`,
    );
  });
});
