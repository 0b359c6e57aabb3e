import { html } from 'hono/html';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { wholeNumber } from './context.ts';
import {
  listed,
  type SectionField,
  sectionFields,
  type WrittenEvent,
  type WrittenSection,
} from './event-form.ts';
import { alert, textArea, textField } from './frame.ts';
import { hallPreview } from './hall-preview.ts';
import { type SaleAtAGlance, saleList } from './home-page.ts';

/** Places of the form where something is wrong. */
export type Faults = ReadonlySet<string>;

type FormView = { event: WrittenEvent; faults: Faults; refused: string | null };

/** The form for an event, with the hall as it is written so far. */
export function eventFormPage({ event, faults, refused }: FormView, locale: Locale): Html {
  const { event: words } = locale.texts.console;
  const field = (
    name: 'name' | 'venue' | 'startsAt' | 'timeZone' | 'currency',
    label: string,
    hint: string,
    attributes: Record<string, string | number | true> = {},
  ) =>
    textField({
      ...{ id: name, name, label, value: event[name] },
      ...(faults.has(name) ? { fault: hint } : { hint }),
      attributes: { autocomplete: 'off', ...attributes },
    });
  return html`<h1>${words.newTitle}</h1>
    ${refused ? alert(refused) : ''}
    <div class="beside">
      <form method="post" action="/organiser/events/new" data-hall>
        <div class="card">
          ${field('name', words.name, words.text200, { maxlength: 200 })}
          ${field('venue', words.venue, words.text200, { maxlength: 200 })}
          <div class="pair times">
            ${field('startsAt', words.startsAt, words.timeHint, { type: 'datetime-local', dir: 'ltr' })}
            ${field('timeZone', words.timeZone, words.timeZoneHint, { list: 'zones', dir: 'ltr' })}
            ${field('currency', words.currency, words.currencyHint, { maxlength: 3, dir: 'ltr' })}
          </div>
          <datalist id="zones">
            ${Intl.supportedValuesOf('timeZone').map((zone) => html`<option value="${zone}"></option>`)}
          </datalist>
        </div>
        <div id="sections">
          <h2>${words.sections}</h2>
          <p class="${faults.has('sections') ? 'bad' : 'soft'}">${words.sectionsHint}</p>
          <input type="hidden" name="sections" value="${event.sections.length}" />
          ${event.sections.map((section, i) => sectionFieldset(section, i, event.sections.length > 1, faults, locale))}
          <p class="actions">
            <button class="quiet" name="look" value="add" formnovalidate>${words.addSection}</button>
            <button class="quiet" name="look" value="preview" formnovalidate>${words.update}</button>
          </p>
        </div>
        <p class="actions"><button>${words.submit}</button></p>
      </form>
      ${hallPreview(event.sections.map(drawnOf), locale)}
    </div>`;
}

function sectionFieldset(
  section: WrittenSection,
  i: number,
  hasOthers: boolean,
  faults: Faults,
  locale: Locale,
): Html {
  const { event: words } = locale.texts.console;
  const told: Record<SectionField, [label: string, hint: string]> = {
    name: [words.sectionName, words.sectionNameHint],
    rows: [words.rows, words.upTo500],
    seatsPerRow: [words.seatsPerRow, words.upTo500],
    price: [words.price, words.priceHint],
    accessible: [words.accessible, words.seatsHint],
    companions: [words.companions, words.seatsHint],
  };
  const field = (name: SectionField) => {
    const place = `section-${i}-${name}`;
    const [label, hint] = told[name];
    const isNumber = name === 'rows' || name === 'seatsPerRow';
    return textField({
      ...{ id: place, name: place, label, value: section[name] },
      ...(faults.has(place) ? { fault: hint } : { hint }),
      attributes: {
        autocomplete: 'off',
        ...(name === 'name' ? { maxlength: 20 } : { dir: 'ltr' }),
        ...(isNumber ? { inputmode: 'numeric' } : name === 'price' ? { inputmode: 'decimal' } : {}),
      },
    });
  };
  const [name, rows, seatsPerRow, price, accessible, companions] = sectionFields.map(field);
  return html`<fieldset class="card">
    <legend>${words.section(locale.number(i + 1))}</legend>
    ${name}
    <div class="pair">${rows} ${seatsPerRow} ${price}</div>
    <div class="pair">${accessible} ${companions}</div>
    ${
      hasOthers
        ? html`<p class="actions">
          <button class="quiet" name="look" value="remove-${i}" formnovalidate>${words.removeSection}</button>
        </p>`
        : ''
    }
  </fieldset>`;
}

const drawnOf = (section: WrittenSection) => ({
  name: section.name,
  rows: wholeNumber(section.rows.trim()),
  seatsPerRow: wholeNumber(section.seatsPerRow.trim()),
  accessible: listed(section.accessible),
  companions: listed(section.companions),
});

export type BlockView = {
  seats: string;
  reason: string;
  faults: Faults;
  told: string | null;
  refused: string | null;
};

type EventView = { event: EventAnswer; sales: readonly SaleAtAGlance[]; block: BlockView };

/** One event: its hall, its sales, and the seats that are kept out of them. */
export function eventPage({ event, sales, block }: EventView, locale: Locale): Html {
  const { event: words, home } = locale.texts.console;
  const path = `/organiser/events/${event.event}`;
  const field = (name: 'seats' | 'reason', label: string, hint: string) => ({
    ...{ id: name, name, label, value: block[name] },
    ...(block.faults.has(name) ? { fault: hint } : { hint }),
  });
  return html`<h1><bdi>${event.name}</bdi></h1>
    <p class="soft"><bdi>${event.venue}</bdi><br />${locale.day(event.startsAt, event.timeZone)}</p>
    <div class="beside">
      <div>
        <section class="card">
          <h2>${words.sales}</h2>
          ${saleList(sales, event.timeZone, locale)}
          <p><a class="button" href="${path}/sales/new">${home.newSale}</a></p>
        </section>
        <form class="card" id="block" method="post" action="${path}/seats">
          <h2>${words.blockTitle}</h2>
          ${block.refused ? html`<p class="bad" role="alert">${block.refused}</p>` : ''}
          ${block.told ? html`<p role="status">${block.told}</p>` : ''}
          <p class="soft">${words.blockAbout}</p>
          ${textArea({ ...field('seats', words.seats, words.seatIdsHint), attributes: { rows: 2, required: true } })}
          ${textField({
            ...field('reason', locale.texts.console.controls.reason, words.reasonHint),
            attributes: { maxlength: 500, required: true, autocomplete: 'off' },
          })}
          <p class="actions">
            <button name="command" value="block">${words.block}</button>
            <button class="quiet" name="command" value="unblock">${words.unblock}</button>
          </p>
        </form>
      </div>
      ${hallPreview(event.sections, locale)}
    </div>`;
}
