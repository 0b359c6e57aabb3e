// The script of the seats page: a map beside the list, one choice for both, and the hold. Without it the list and the best
// available work by themselves, and a seat that has gone is refused when it is asked for.
import { unpackStates } from '#shared/seat-codes.ts';
import {
  ACCESSIBLE,
  COMPANION,
  createHall,
  type Hall,
  type HallSection,
  HELD,
  type MarkedSections,
  markKinds,
  nameOf,
  OPEN,
  placeOf,
  pricesOf,
  seatNamed,
} from '../seat-map/hall.ts';
import { nearestBlock } from '../seat-map/nearest-block.ts';
import { looks, type ScriptWords } from '../seat-map/script-words.ts';
import './clocks.ts';
import { createChart } from './map/chart.ts';
import { holdSeats } from './map/hold.ts';
import { followSeats } from './map/live.ts';
import { createOverview, PRICE_COLOURS } from './map/overview.ts';
import { createSelection } from './map/selection.ts';
import { count, fill, money, seatsInWords } from './map/words.ts';
import './tabs.ts';

const LOOK = Object.fromEntries(looks.map((look, i) => [look, i])) as Record<(typeof looks)[number], number>;

const form = document.querySelector<HTMLFormElement>('form[data-seats]');
if (form) chooseSeats(form);

function chooseSeats(form: HTMLFormElement): void {
  const { seats: seatsUrl = '', layout = '', limit = '1' } = form.dataset;
  const words = JSON.parse(form.dataset.words ?? '{}') as ScriptWords;
  const seatsMax = Number(limit);
  const saleUrl = seatsUrl.replace(/\/seats$/, '');
  const pageUrl = saleUrl.replace(/^\/api/, '');
  const find = <Kind extends HTMLElement>(selector: string) => form.querySelector<Kind>(selector) as Kind;
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name="seat"]')];
  const card = find('#map');
  const [overviewBox, chartBox] = [find('[data-overview]'), find('[data-chart]')];
  const canvas = find<HTMLCanvasElement>('canvas');
  const [takeButton, letGoButton] = [
    find<HTMLButtonElement>('[data-take]'),
    find<HTMLButtonElement>('[data-let-go]'),
  ];
  const tray = find('.tray');
  const listed = find<HTMLInputElement>('[name="section"]').value;
  const asList = find<HTMLAnchorElement>('[data-as-list]');

  const isChecked = boxes.filter(({ checked }) => checked).map(({ value }) => value);
  const selection = createSelection(`chosen-${seatsUrl}`, seatsMax, isChecked);
  let hall: Hall | null = null;
  let boxAt = new Map<number, HTMLInputElement>();
  let marked: MarkedSections = [];
  /** What the last attempt came to, until the fan chooses anew; and the seats it was about. */
  let refusal: { text: string; wanted: number[] } | null = null;
  let offer: string[] = [];
  let isHolding = false;

  const say = (name: string, text: string) => {
    const element = form.querySelector(`[data-show="${name}"]`);
    if (element && element.textContent !== text) element.textContent = text;
  };
  const chosenSeats = (known: Hall) =>
    selection
      .all()
      .map((id) => seatNamed(known, id))
      .filter((seat) => seat !== null);

  // The choice is asked for each seat that is drawn: by index, not by name.
  let chosenNow = new Set<number>();
  const lookOf = (seat: number): number => {
    if (!hall) return LOOK.gone;
    const isOpen = hall.states[seat] === OPEN;
    if (chosenNow.size > 0 && chosenNow.has(seat)) return isOpen ? LOOK.chosen : LOOK.lost;
    if (!isOpen) return LOOK.gone;
    const kind = hall.kinds[seat];
    return kind === ACCESSIBLE ? LOOK.accessible : kind === COMPANION ? LOOK.companion : LOOK.open;
  };
  const describe = (seat: number): string => {
    if (!hall) return '';
    const { row, number } = placeOf(hall, seat);
    const place = fill(words.seatInRow, { row: String(row), number: String(number) });
    return fill(words.withKind, { seat: place, kind: words.signs[looks[lookOf(seat)] ?? 'gone'] });
  };

  const tierOf = ({ price }: HallSection) =>
    hall ? pricesOf(hall).indexOf(price.amount) % PRICE_COLOURS : 0;
  const overview = createOverview(overviewBox, words, (name) => openSection(name));
  const chart = createChart(canvas, {
    stage: words.stage,
    lookOf,
    tierOf,
    choose: (seat) => toggle(seat),
    reach: (seat) => say('cursor', describe(seat)),
    leave: () => closeSection(),
  });

  /** A seat that was chosen stays chosen, with a word about it: who wants all or none is not to get a part. */
  const show = () => {
    const lost: number[] = [];
    for (const [seat, box] of boxAt) {
      const isGone = hall?.states[seat] !== OPEN;
      box.checked = selection.has(box.value);
      box.disabled = isGone && !box.checked;
      box.closest('label')?.classList.toggle('gone', isGone);
    }
    let total = '';
    if (hall) {
      const seats = chosenSeats(hall);
      chosenNow = new Set(seats);
      let amount = 0;
      for (const seat of seats) {
        const { price } = placeOf(hall, seat).section;
        amount += price.amount;
        total = money(amount, price.currency);
        if (hall.states[seat] !== OPEN) lost.push(seat);
      }
    }
    const chosen = selection.all();
    const text = fill(words.chosen, { seats: seatsInWords(words, chosen), money: total });
    say('chosen', chosen.length > 0 && hall ? text : count(seatsMax, words.chosenNone));
    letGoButton.hidden = chosen.length === 0;
    // Whatever is looked at then, the button stays in reach.
    tray.classList.toggle('full', chosen.length > 0 || refusal !== null);
    showTrouble(lost);
    chart.redraw();
  };

  /** What went wrong, and the nearest that can be had instead. */
  const showTrouble = (lost: number[]) => {
    if (!hall) return;
    const known = hall;
    const wanted = refusal ? refusal.wanted : lost.length > 0 ? chosenSeats(hall) : [];
    const first = nearestBlock(hall, wanted);
    offer = first === null ? [] : wanted.map((_, i) => nameOf(known, first + i));
    const what = refusal?.text ?? fill(words.wentMeanwhile, { seats: namesOf(known, lost) });
    const instead =
      offer.length > 0 ? fill(words.nearest, { seats: seatsInWords(words, offer) }) : words.noneNear;
    const isTroubled = refusal !== null || lost.length > 0;
    say('gone', isTroubled ? [what, ...(wanted.length > 0 ? [instead] : [])].join(' ') : '');
    takeButton.hidden = offer.length === 0;
  };
  const namesOf = (known: Hall, seats: number[]) =>
    seatsInWords(
      words,
      seats.map((seat) => nameOf(known, seat)),
    );

  const choose = (id: string, isOn: boolean) => {
    refusal = null;
    if (!isOn) selection.remove(id);
    else if (!selection.add(id)) refusal = { text: count(seatsMax, words.tooMany), wanted: [] };
    show();
  };
  const toggle = (seat: number) => {
    if (!hall) return;
    const id = nameOf(hall, seat);
    if (selection.has(id)) choose(id, false);
    else if (hall.states[seat] === OPEN) choose(id, true);
    say('cursor', describe(seat));
  };

  const hold = async (ids: string[]) => {
    if (isHolding || !hall) return;
    if (ids.length === 0) return say('gone', count(seatsMax, words.chosenNone));
    isHolding = true;
    say('gone', words.holding);
    const held = await holdSeats(`${saleUrl}/holds`, ids);
    isHolding = false;
    if (held.outcome === 'held') selection.clear();
    if (held.outcome === 'held' || held.outcome === 'outside') return location.assign(`${pageUrl}/seats`);
    if (held.outcome !== 'taken') {
      const texts = { limit: words.limitReached, refused: words.other, unheard: words.noAnswer };
      refusal = { text: texts[held.outcome], wanted: [] };
      return show();
    }
    const wanted = ids.map((id) => seatNamed(hall as Hall, id)).filter((seat) => seat !== null);
    for (const id of held.conflicts) {
      const seat = seatNamed(hall, id);
      if (seat !== null) hall.states[seat] = HELD;
    }
    selection.remove(...held.conflicts);
    refusal = { text: fill(words.wereTaken, { seats: seatsInWords(words, held.conflicts) }), wanted };
    // What was noted by hand is set right by the next whole map.
    live.again();
    overview.show(hall);
    show();
  };

  let opened = card.dataset.open ?? '';
  const openSection = (name: string, takesFocus = true) => {
    opened = name;
    const section = hall?.sections.find((each) => each.name === name);
    if (!section) return;
    overviewBox.hidden = true;
    chartBox.hidden = false;
    const price = money(section.price.amount, section.price.currency);
    say('chart', fill(words.section, { section: name, money: price }));
    say('cursor', '');
    chartBox.style.setProperty('--tier', `var(--tier-${tierOf(section)})`);
    canvas.ariaLabel = fill(words.mapOf, { section: name });
    const isListed = boxes.some(({ value }) => value.startsWith(`${name}-`));
    asList.href = isListed ? '#list' : `${pageUrl}/seats?section=${encodeURIComponent(name)}#list`;
    chart.open(section);
    if (!takesFocus) return;
    canvas.focus({ preventScroll: true });
    card.scrollIntoView({ block: 'start' });
  };
  const closeSection = () => {
    chart.close();
    chartBox.hidden = true;
    overviewBox.hidden = false;
    overview.focus(opened);
    opened = '';
  };

  const begin = (known: Hall) => {
    hall = known;
    boxAt = new Map();
    for (const box of boxes) {
      const seat = seatNamed(known, box.value);
      if (seat !== null) boxAt.set(seat, box);
    }
    markKinds(known, marked);
    overview.measure(known);
    if (opened) openSection(opened, false);
  };
  const changed = () => {
    if (hall) overview.show(hall);
    show();
  };
  const live = followSeats(seatsUrl, {
    whole(map) {
      if (hall) unpackStates(map.statuses, hall.states);
      else begin(createHall(map));
      changed();
    },
    changes(changes) {
      for (const [seat, state] of changes) if (hall) hall.states[seat] = state;
      if (changes.length > 0) changed();
    },
    trouble: (isTroubled) => say('trouble', isTroubled ? words.mapTrouble : ''),
  });
  fetch(layout)
    .then(async (response) => {
      if (!response.ok) return;
      marked = ((await response.json()) as { sections: MarkedSections }).sections;
      if (!hall) return;
      markKinds(hall, marked);
      show();
    })
    // The seats are the same without; their kinds stand in the list.
    .catch(() => undefined);

  form.addEventListener('change', ({ target }) => {
    if (target instanceof HTMLInputElement && target.name === 'seat') choose(target.value, target.checked);
  });
  const fromRow = form.querySelector<HTMLSelectElement>('select[name="row"]');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const by = event.submitter;
    if (by instanceof HTMLButtonElement && by.name === 'go') {
      const [section = '', row = ''] = by.value ? by.value.split('-') : [listed, fromRow?.value];
      return location.assign(`${pageUrl}/seats?${new URLSearchParams({ section, row })}#list`);
    }
    void hold(selection.all());
  });
  takeButton.addEventListener('click', () => void hold(offer));
  letGoButton.addEventListener('click', () => {
    refusal = null;
    selection.clear();
    show();
  });
  find('[data-back]').addEventListener('click', closeSection);
  for (const button of form.querySelectorAll<HTMLButtonElement>('[data-zoom]'))
    button.addEventListener('click', () => chart.zoom(Number(button.dataset.zoom)));
  card.hidden = false;
  for (const element of form.querySelectorAll<HTMLElement>('[data-with-map]')) element.hidden = false;
  show();
}
