import { html } from 'hono/html';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { alert, textArea, textField } from './frame.ts';
import type { SaleField, WrittenSale } from './sale-form.ts';

export type SaleFormView = {
  event: EventAnswer;
  sale: WrittenSale;
  faults: ReadonlySet<string>;
  refused: string | null;
};

type Attributes = Record<string, string | number | true>;
const moment: Attributes = { type: 'datetime-local', dir: 'ltr' };
const whole: Attributes = { inputmode: 'numeric', dir: 'ltr' };
const latin: Attributes = { dir: 'ltr' };

/** The form for a sales window; times are those of the venue's clock. */
export function saleFormPage({ event, sale, faults, refused }: SaleFormView, locale: Locale): Html {
  const { saleForm: words, event: eventWords, controls } = locale.texts.console;
  const options = (name: SaleField, label: string, hint: string, attributes: Attributes) => ({
    ...{ id: name, name, label, value: sale[name] },
    ...(faults.has(name) ? { fault: hint } : { hint }),
    attributes: { autocomplete: 'off', ...attributes },
  });
  const field = (name: SaleField, label: string, hint = '', attributes: Attributes = {}) =>
    textField(options(name, label, hint, attributes));
  const hasFault = (...names: SaleField[]) => names.some((name) => faults.has(name) || sale[name] !== '');
  return html`<h1>${words.title}</h1>
    <p><a href="/organiser/events/${event.event}" dir="auto">${event.name}</a></p>
    ${refused ? alert(refused) : ''}
    <form method="post" action="/organiser/events/${event.event}/sales/new">
      <div class="card">
        ${field('name', words.name, eventWords.text200, { maxlength: 200 })}
        <p class="soft">${words.zone(event.timeZone)} ${words.now}</p>
        <div class="pair times">
          ${field('opensAt', words.opensAt, eventWords.timeHint, moment)}
          ${field('lobbyOpensAt', words.lobbyOpensAt, words.lobbyHint, moment)}
          ${field('closesAt', words.closesAt, words.closesHint, moment)}
        </div>
        <div class="pair">
          ${field('admitPerMinute', controls.pace.rate, controls.pace.rateHint, whole)}
          ${field('capacity', controls.pace.capacity, controls.pace.capacityHint, whole)}
          ${field('seatsPerFan', words.seatsPerFan, words.upTo100, whole)}
        </div>
        <fieldset class="choices">
          <legend>${words.sections}</legend>
          <p class="${faults.has('sections') ? 'bad' : 'soft'}">${words.sectionsHint}</p>
          ${event.sections.map(
            ({ name, price }) => html`<label>
              <input type="checkbox" name="sections" value="${name}" ${sale.sections.includes(name) ? 'checked' : ''} />
              <span><bdi>${name}</bdi> · ${locale.money(price)}</span>
            </label>`,
          )}
        </fieldset>
      </div>
      <fieldset class="card">
        <legend>${words.durations}</legend>
        <div class="pair times">
          ${field('claimSeconds', words.claim, words.claimHint, whole)}
          ${field('admissionSeconds', words.admission, words.dayHint, whole)}
          ${field('holdSeconds', words.hold, words.holdHint, whole)}
          ${field('graceSeconds', words.grace, words.dayHint, whole)}
        </div>
      </fieldset>
      <details class="card" ${hasFault('accessCodes', 'accessCodeUses') ? 'open' : ''}>
        <summary>${words.codes}</summary>
        ${textArea(options('accessCodes', words.codesLabel, words.codesHint, { rows: 5, dir: 'ltr' }))}
        ${field('accessCodeUses', words.uses, words.usesHint, whole)}
      </details>
      <details
        class="card"
        ${hasFault('beaconName', 'beaconRule', 'beaconFrom', 'beaconUrl', 'beaconField') ? 'open' : ''}
      >
        <summary>${words.beacon}</summary>
        <p class="soft">${words.beaconAbout}</p>
        ${field('beaconName', words.beaconName, words.beaconNameHint, { maxlength: 200 })}
        ${field('beaconRule', words.beaconRule, words.beaconRuleHint, { maxlength: 300 })}
        ${field('beaconFrom', words.beaconFrom, words.beaconFromHint, moment)}
        <div class="pair">
          ${field('beaconUrl', words.beaconUrl, words.beaconUrlHint, latin)}
          ${field('beaconField', words.beaconField, '', latin)}
        </div>
      </details>
      <p class="actions"><button>${words.submit}</button></p>
    </form>`;
}
