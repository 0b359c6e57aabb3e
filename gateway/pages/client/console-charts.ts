// Line charts of the last minutes, as plain SVG, with a mark for each action and a table beside each.
import type { Writing } from '../console/figures.ts';

export type Sample = { at: number; values: Record<string, number> };
export type Mark = { at: string; label: string };

const HEIGHT = 140;
const MARGIN = { top: 16, bottom: 20, right: 8 };
/** Beside the numbers of the scale, and of a digit, generously. */
const BESIDE_SCALE = 14;
const DIGIT_WIDTH = 7.5;
/** So that the first samples are no wild zigzag over the whole width. */
const SPAN_MS_MIN = 60_000;
/** One line of the table for this long; more lines tell nobody more. */
const ROW_MS = 10_000;
/** A gap in the samples is a gap in the line. */
const GAP_MS = 8_000;
/** Of a letter of a mark's name, generously. */
const LETTER_WIDTH = 6.5;
const SVG = 'http://www.w3.org/2000/svg';

type Series = { name: string; points: { at: number; value: number }[] };

/** Draws every chart of the page anew. */
export function drawCharts(samples: readonly Sample[], marks: readonly Mark[], writing: Writing) {
  for (const figure of document.querySelectorAll<HTMLElement>('.chart')) {
    const series = (figure.dataset.series ?? '').split(' ').map((name) => ({
      name,
      points: samples.flatMap(({ at, values }) => {
        const value = values[name];
        return value === undefined ? [] : [{ at, value }];
      }),
    }));
    const svg = figure.querySelector('svg');
    if (svg) drawLines(svg, series, marks, writing);
    figure.querySelectorAll('figcaption b.number').forEach((latest, i) => {
      const value = series[i]?.points.at(-1)?.value;
      latest.textContent = value === undefined ? '' : writing.number(value);
    });
    const details = figure.querySelector('details');
    const body = figure.querySelector('tbody');
    if (details?.open && body) fillTable(body, series, marks, writing);
  }
}

function drawLines(svg: SVGSVGElement, series: Series[], marks: readonly Mark[], { number, clock }: Writing) {
  const width = svg.clientWidth;
  const all = series.flatMap(({ points }) => points);
  if (width === 0 || all.length === 0) return;
  const until = Math.max(...all.map(({ at }) => at));
  const from = Math.min(Math.min(...all.map(({ at }) => at)), until - SPAN_MS_MIN);
  const top = roundUp(Math.max(1, ...all.map(({ value }) => value)));
  const left = BESIDE_SCALE + number(top).length * DIGIT_WIDTH;
  const x = (at: number) => left + ((at - from) / (until - from)) * (width - left - MARGIN.right);
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const text = (content: string, at: Record<string, string | number>) => {
    const made = shape('text', at);
    made.textContent = content;
    return made;
  };
  const right = width - MARGIN.right;
  const parts: Element[] = [0, top / 2, top].flatMap((value) => [
    shape('line', { class: 'grid', x1: left, x2: right, y1: y(value), y2: y(value) }),
    ...(Number.isInteger(value)
      ? [text(number(value), { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' })]
      : []),
  ]);
  const iso = (at: number) => new Date(at).toISOString();
  parts.push(text(clock(iso(from)), { x: left, y: HEIGHT - 4 }));
  parts.push(text(clock(iso(until)), { x: right, y: HEIGHT - 4, 'text-anchor': 'end' }));
  // Every action has its mark; its name only where there is room, for all of them stand in the table.
  let freeFrom = left;
  const shown = marks.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= until);
  for (const { at, label } of shown.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
    const middle = x(Date.parse(at));
    parts.push(shape('line', { class: 'mark', x1: middle, x2: middle, y1: 4, y2: y(0) }));
    const length = label.length * LETTER_WIDTH;
    const start = middle + 4 + length > right ? middle - 4 - length : middle + 4;
    if (start < freeFrom) continue;
    parts.push(text(label, { class: 'mark-name', x: start, y: 12 }));
    freeFrom = start + length;
  }
  series.forEach(({ points }, i) => {
    const line = points.map(({ at, value }, k) => {
      const before = points[k - 1];
      const begins = before === undefined || at - before.at > GAP_MS;
      return `${begins ? 'M' : 'L'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    });
    parts.push(shape('path', { class: `line line-${i}`, d: line.join('') }));
  });
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  // Time runs from left to right in every language here, as the numbers do.
  svg.setAttribute('direction', 'ltr');
  svg.replaceChildren(...parts);
}

function shape(name: string, attributes: Record<string, string | number>): Element {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}

/** 1, 2 or 5 times a power of ten, so that the scale does not move with every figure. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** The newest first. */
function fillTable(body: Element, series: Series[], marks: readonly Mark[], { number, clock }: Writing) {
  const rows = new Map<number, { at: number; values: (number | undefined)[] }>();
  series.forEach(({ points }, i) => {
    for (const { at, value } of points) {
      const slot = Math.floor(at / ROW_MS);
      const row = rows.get(slot) ?? { at, values: [] };
      row.at = at;
      row.values[i] = value;
      rows.set(slot, row);
    }
  });
  const lines = [...rows.entries()].sort(([a], [b]) => b - a);
  const made = lines.map(([slot, { at, values }]) => {
    const acts = marks.filter((mark) => Math.floor(Date.parse(mark.at) / ROW_MS) === slot);
    const figures = series.map((_, i) => {
      const value = values[i];
      return value === undefined ? '–' : number(value);
    });
    const cells = [clock(new Date(at).toISOString()), ...figures, acts.map(({ label }) => label).join(', ')];
    const row = document.createElement('tr');
    row.append(...cells.map((text) => Object.assign(document.createElement('td'), { textContent: text })));
    return row;
  });
  body.replaceChildren(...made);
}
