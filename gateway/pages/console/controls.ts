import { html } from 'hono/html';
import type { OrganiserSaleAnswer } from '#shared/contract/sale.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';
import { named, sentence } from '../sentence.ts';
import { textArea, textField } from './frame.ts';

export const controls = ['open', 'pause', 'resume', 'pace', 'notice', 'close', 'beacon'] as const;
export type Control = (typeof controls)[number];

/** What an organiser wrote into a control, and what kept it from being done. */
export type Refused = {
  control: Control;
  words: string;
  /** At which field, where it is one's. */
  field?: string;
  typed: Record<string, string>;
};

export type ControlsView = {
  sale: OrganiserSaleAnswer;
  /** By the server's clock: whether a beacon is awaited. */
  now: number;
  refused: Refused | null;
  /** A message that is looked at before it is published. */
  preview: string | null;
};

/** What may be done to a sale in its state, as forms that need no script. */
export function controlForms(view: ControlsView, locale: Locale): Html {
  const { state } = view.sale;
  if (state === 'closed') return html`<p class="soft">${locale.texts.console.states.closed}</p>`;
  const awaitsBeacon =
    view.sale.beacon !== null && !view.sale.beaconGiven && Date.parse(view.sale.opensAt) <= view.now;
  return html`<div class="controls">
    ${state === 'open' ? commandForm('pause', view, locale) : ''}
    ${state === 'paused' ? commandForm('resume', view, locale) : ''}
    ${paceForm(view, locale)} ${noticeForm(view, locale)}
    ${awaitsBeacon ? beaconForm(view, locale) : ''}
    ${state === 'scheduled' || state === 'lobby' || state === 'soldOut' ? commandForm('open', view, locale) : ''}
    ${commandForm('close', view, locale)}
  </div>`;
}

/** Whether a command is done only by whoever writes the sale's name. */
export const asksForName = (control: Control, { state }: OrganiserSaleAnswer): boolean =>
  control === 'close' || (control === 'open' && state !== 'soldOut' && state !== 'paused');

const faultAt = (view: ControlsView, control: Control, field: string): string | undefined =>
  view.refused?.control === control && view.refused.field === field ? view.refused.words : undefined;

const typedIn = (view: ControlsView, control: Control, field: string): string | undefined =>
  view.refused?.control === control ? view.refused.typed[field] : undefined;

function card(control: Control, view: ControlsView, title: string, about: string, fields: Html): Html {
  const { refused, sale } = view;
  const general = refused?.control === control && refused.field === undefined;
  return html`<form class="card" id="${control}" method="post" action="/organiser/sales/${sale.sale}/${control}">
    <h3>${title}</h3>
    ${general ? html`<p class="bad" role="alert">${refused.words}</p>` : ''}
    <p class="soft">${about}</p>
    ${fields}
  </form>`;
}

function commandForm(
  command: 'open' | 'pause' | 'resume' | 'close',
  view: ControlsView,
  locale: Locale,
): Html {
  const { controls: words } = locale.texts.console;
  const { title, submit } = words[command];
  const about =
    command !== 'open'
      ? words[command].about
      : view.sale.state === 'soldOut'
        ? words.open.again
        : words.open.early;
  const isDangerous = asksForName(command, view.sale);
  const fields = html`${
    isDangerous
      ? textField({
          ...{
            id: `${command}-name`,
            name: 'saleName',
            label: sentence(words.saleName('{name}'), { name: named(view.sale.name) }),
          },
          value: typedIn(view, command, 'saleName'),
          fault: faultAt(view, command, 'saleName'),
          attributes: { required: true, autocomplete: 'off' },
        })
      : ''
  }
  ${textField({
    ...{ id: `${command}-reason`, name: 'reason', label: words.reason },
    value: typedIn(view, command, 'reason'),
    attributes: { maxlength: 500, autocomplete: 'off' },
  })}
  <p class="actions"><button class="${command === 'close' ? 'danger' : ''}">${submit}</button></p>`;
  return card(command, view, title, about, fields);
}

function paceForm(view: ControlsView, { texts }: Locale): Html {
  const { pace } = texts.console.controls;
  const { sale } = view;
  const number = (name: 'admitPerMinute' | 'capacity', label: string, hint: string, max: number) =>
    textField({
      ...{ id: `pace-${name}`, name, label, hint },
      value: typedIn(view, 'pace', name) ?? sale[name],
      fault: faultAt(view, 'pace', name),
      attributes: { type: 'number', min: 1, max, required: true, inputmode: 'numeric', dir: 'ltr' },
    });
  const fields = html`<input type="hidden" name="version" value="${sale.version}" />
    ${number('admitPerMinute', pace.rate, pace.rateHint, 1_000_000)}
    ${number('capacity', pace.capacity, pace.capacityHint, 100_000)}
    <p class="actions"><button>${pace.submit}</button></p>`;
  return card('pace', view, pace.title, '', fields);
}

function noticeForm(view: ControlsView, locale: Locale): Html {
  const { notice: words } = locale.texts.console.controls;
  const { sale, preview } = view;
  const fields = html`<input type="hidden" name="version" value="${sale.version}" />
    ${textArea({
      ...{ id: 'notice-text', name: 'text', label: words.text, hint: words.hint },
      value: typedIn(view, 'notice', 'text') ?? preview ?? sale.notice?.text,
      fault: faultAt(view, 'notice', 'text'),
      attributes: { maxlength: 500, rows: 3 },
    })}
    <div class="card notice preview" data-preview ${preview === null ? 'hidden' : ''}>
      <p class="soft">${words.previewTitle}</p>
      <p dir="auto" data-preview-text>${preview ?? ''}</p>
    </div>
    <p class="actions">
      <button>${words.submit}</button>
      <button class="quiet" name="look" value="preview">${words.preview}</button>
      ${sale.notice ? html`<button class="quiet" name="look" value="takeBack">${words.takeBack}</button>` : ''}
    </p>`;
  return card('notice', view, words.title, words.about, fields);
}

function beaconForm(view: ControlsView, { texts }: Locale): Html {
  const { beacon: words, reason } = texts.console.controls;
  const fields = html`${textField({
    ...{ id: 'beacon-value', name: 'value', label: words.value, hint: words.valueHint },
    value: typedIn(view, 'beacon', 'value'),
    fault: faultAt(view, 'beacon', 'value'),
    attributes: { autocomplete: 'off', maxlength: 256, dir: 'ltr' },
  })}
  ${textField({
    ...{ id: 'beacon-reason', name: 'reason', label: reason, hint: words.withoutAbout },
    value: typedIn(view, 'beacon', 'reason'),
    fault: faultAt(view, 'beacon', 'reason'),
    attributes: { maxlength: 500, autocomplete: 'off' },
  })}
  <p class="actions">
    <button>${words.submit}</button>
    <button class="danger" name="look" value="without">${words.without}</button>
  </p>`;
  return card('beacon', view, words.title, words.about(view.sale.beacon?.name ?? ''), fields);
}
