import { html } from 'hono/html';
import type { AuditAnswer, AuditEntry } from '#shared/contract/organiser.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';

/** Who makes a sale sets everything: that is folded away. */
const FACTS_SHOWN = 4;

/** Who did what, when, from what to what, and why. */
export function auditTable(audit: AuditAnswer | null, timeZone: string, locale: Locale): Html {
  const { audit: words } = locale.texts.console;
  if (audit === null) return html`<p class="bad">${words.incomplete}</p>`;
  if (audit.entries.length === 0) return html`<p class="soft">${words.nothing}</p>`;
  return html`${audit.complete ? '' : html`<p class="bad">${words.incomplete}</p>`}
    <div class="wide" tabindex="0" role="region" aria-label="${words.title}">
      <table class="acts">
        <thead>
          <tr>
            <th scope="col">${words.when}</th>
            <th scope="col">${words.who}</th>
            <th scope="col">${words.what}</th>
            <th scope="col">${words.change}</th>
            <th scope="col">${words.why}</th>
          </tr>
        </thead>
        <tbody>
          ${audit.entries.map(
            (entry) => html`<tr>
              <td data-label="${words.when}">${locale.moment(entry.at, timeZone)}</td>
              <td data-label="${words.who}"><bdi>${entry.by}</bdi></td>
              <td data-label="${words.what}">${words.actions[entry.action]}${entry.durable ? '' : html` <em>(${words.pending})</em>`}</td>
              <td data-label="${words.change}">${change(entry, words)}</td>
              <td data-label="${words.why}">${entry.reason === null ? '' : html`<bdi>${entry.reason}</bdi>`}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** Facts by the names that the API gives them, which are the same in every language. */
function change(
  { from, to, seats, order, message }: AuditEntry,
  words: Locale['texts']['console']['audit'],
): Html {
  const facts = Object.keys({ ...from, ...to });
  const list = facts.map((fact) => {
    const before = from && fact in from ? html`<bdi>${shown(from[fact])}</bdi> → ` : '';
    return html`<span class="fact" dir="ltr"><b>${fact}</b> ${before}<bdi>${shown(to[fact])}</bdi></span> `;
  });
  const about = [order, message, seats?.join(', ')].filter(Boolean).map((what) => html`<bdi>${what}</bdi> `);
  return facts.length > FACTS_SHOWN
    ? html`<details><summary>${words.all}</summary>${list}</details>${about}`
    : html`${list}${about}`;
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** All of it, a page at a time. */
export function auditPage(
  view: { sale: { sale: string; name: string }; audit: AuditAnswer; timeZone: string },
  locale: Locale,
): Html {
  const { audit: words } = locale.texts.console;
  const { sale, audit, timeZone } = view;
  return html`<h1>${words.title}</h1>
    <p><a href="/organiser/sales/${sale.sale}" dir="auto">${sale.name}</a></p>
    ${auditTable(audit, timeZone, locale)}
    ${audit.next ? html`<p><a href="?after=${audit.next}">${words.older}</a></p>` : ''}`;
}
