import { html } from 'hono/html';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { AuditAnswer, AuditEntry } from '#shared/contract/organiser.ts';
import type { SaleState } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { auditTable } from './audit-page.ts';
import { type ControlsView, controlForms } from './controls.ts';
import { alarmsOf, tilesOf, type Writing } from './figures.ts';

export type LiveView = ControlsView & {
  event: EventAnswer | null;
  stats: StatsAnswer | null;
  audit: AuditAnswer | null;
  /** The version that a control has just made, and what the audit has of it. */
  done: { entry: AuditEntry | null } | null;
  /** Without JavaScript: whether the page asks again by itself. */
  refreshes: boolean;
};

/** What each chart draws: names of figures in the stream's events. */
const charts = {
  waiting: ['waiting'],
  shopping: ['admitted', 'capacity'],
  admitted: ['admittedPerMinute', 'effectivePerMinute'],
  arriving: ['joinedPerMinute'],
  seats: ['sold', 'held'],
} as const;

export const statePill = (state: SaleState, { texts }: Locale): Html =>
  html`<span class="pill ${state}" data-state="${state}">${texts.console.states[state]}</span>`;

/** Everything an organiser looks at while a sale runs. */
export function livePage(view: LiveView, locale: Locale): Html {
  const { sale, event, stats, refused } = view;
  const { texts } = locale;
  const { sale: words, live, states, audit } = texts.console;
  const timeZone = event?.timeZone ?? 'UTC';
  const writing: Writing = { number: locale.number, clock: (iso) => locale.clock(iso, timeZone) };
  const path = `/organiser/sales/${sale.sale}`;
  const alarms = stats ? alarmsOf(stats, stats.ageMs, live, locale.number) : [words.noFigures];
  return html`<div
      id="live"
      data-sale="${sale.sale}"
      data-version="${sale.version}"
      data-zone="${timeZone}"
      data-words="${JSON.stringify({ ...live, states })}"
      data-stats="${JSON.stringify(stats)}"
    >
      <div class="head">
        <h1><bdi>${sale.name}</bdi></h1>
        <a href="#controls">${words.controls}</a>
        ${statePill(stats?.state ?? sale.state, locale)}
      </div>
      ${event ? html`<p class="soft"><bdi>${event.name}</bdi><br /><bdi>${event.venue}</bdi><br />${texts.console.home.opens(locale.day(sale.opensAt, timeZone))}</p>` : ''}
      ${refused ? html`<p class="card problem" role="alert"><a href="#${refused.control}">${refused.words}</a></p>` : ''}
      ${view.done ? doneCard(view.done.entry, timeZone, locale) : ''}
      <div id="alarms" class="card ${alarms.length > 0 ? 'problem' : 'calm'}" role="status" aria-label="${words.alarms}">
        ${alarms.length > 0 ? alarms.map((alarm) => html`<p>${alarm}</p>`) : html`<p>${live.calm}</p>`}
      </div>
      <h2>${words.figures}</h2>
      ${stats ? tileList(tilesOf(stats, live, writing), locale) : ''}
      <noscript>
        <p class="soft">
          ${words.noScript}
          <a href="${path}${view.refreshes ? '?refresh=off' : ''}">${view.refreshes ? words.stopRefresh : words.startRefresh}</a>
        </p>
      </noscript>
      <section id="charts" hidden>
        <h2>${words.charts}</h2>
        <p class="soft" data-since></p>
        <div class="charts">${(Object.keys(charts) as (keyof typeof charts)[]).map((name) => chart(name, locale))}</div>
      </section>
    </div>
    <h2 id="controls">${words.controls}</h2>
    ${controlForms(view, locale)}
    <section id="acts" data-acts="${JSON.stringify((view.audit?.entries ?? []).map((entry) => markOf(entry, locale)))}">
      <h2>${audit.title}</h2>
      ${auditTable(view.audit, timeZone, locale)}
    </section>
    <nav class="more" aria-label="${words.more}">
      <a href="${path}/audit">${words.audit}</a>
      <a href="${path}/orders">${words.orders}</a>
      <a href="${path}/orders.csv">${words.csv}</a>
      <a href="/organiser/events/${sale.event}">${words.event}</a>
      <a href="/sales/${sale.sale}">${words.fansPage}</a>
    </nav>`;
}

/** A mark on the charts: when, and who did what. */
const markOf = ({ at, by, action }: AuditEntry, { texts }: Locale) => ({
  at,
  label: `${texts.console.audit.actions[action]} (${by})`,
});

/** Told from the audit, not from the wish: what is not there is not called done. */
function doneCard(entry: AuditEntry | null, timeZone: string, locale: Locale): Html {
  const { sale: words, audit } = locale.texts.console;
  if (!entry) return html`<p class="card notice" role="status">${words.notSure}</p>`;
  return html`<p class="card notice" role="status">
    <b>${words.done}: ${audit.actions[entry.action]}</b>
    (<bdi>${entry.by}</bdi>, ${locale.clock(entry.at, timeZone)})<br />
    ${entry.durable ? words.inEffect : words.notRecorded}
  </p>`;
}

const tileList = (tiles: ReturnType<typeof tilesOf>, { texts }: Locale): Html => html`<dl class="tiles">
  ${tiles.map(
    ({ id, value, note }) => html`<div class="tile" id="tile-${id}">
      <dt>${texts.console.live.tiles[id]}</dt>
      <dd class="value number">${value}</dd>
      <dd class="soft note">${note}</dd>
    </div>`,
  )}
</dl>`;

function chart(name: keyof typeof charts, { texts }: Locale): Html {
  const { sale: words, live } = texts.console;
  const labels = charts[name].map((series) => live.series[series]);
  return html`<figure class="chart card" data-series="${charts[name].join(' ')}">
    <figcaption>
      <b>${words.chartTitles[name]}</b>
      ${labels.map((label, i) => html`<span class="key key-${i}">${label} <b class="number"></b></span>`)}
    </figcaption>
    <svg role="img" aria-label="${words.chartTitles[name]}" height="140"></svg>
    <details>
      <summary>${words.asTable}</summary>
      <div class="wide" tabindex="0" role="region" aria-label="${words.chartTitles[name]}">
        <table>
          <thead>
            <tr>
              <th scope="col">${live.time}</th>
              ${labels.map((label) => html`<th scope="col">${label}</th>`)}
              <th scope="col">${live.action}</th>
            </tr>
          </thead>
          <tbody></tbody>
        </table>
      </div>
    </details>
  </figure>`;
}
