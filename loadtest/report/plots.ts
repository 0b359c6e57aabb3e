import { escaped } from './escape.ts';

/** Lines over an axis, as one SVG. */
export type Line = { name: string; points: { x: number; y: number }[] };
export type Plot = { title: string; x: string; y: string; lines: Line[] };

const WIDTH = 720;
const HEIGHT = 280;
const MARGIN = { top: 12, right: 16, bottom: 40, left: 64 };
const TICKS = 5;
/** Where there are few points each is shown, with its figures. */
const DOTS_MAX = 40;
/** Told apart with any colour vision (Okabe and Ito), and each by a dash of its own besides. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7f7f7f', '#000000'];
const dashes = ['', '6 3', '2 3', '8 3 2 3'];

/** One figure: title, lines and a legend. */
export function figure({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const [left, right] = [smallest(points.map((point) => point.x)), largest(points.map((point) => point.x))];
  const ticksY = ticks(0, largest(points.map((point) => point.y)));
  const top = ticksY.at(-1) ?? 1;
  const [plotWidth, plotHeight] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const atX = (value: number) => round(MARGIN.left + ((value - left) / (right - left || 1)) * plotWidth);
  const atY = (value: number) => round(MARGIN.top + (1 - value / top) * plotHeight);
  const ticksX = ticks(left, right).filter((value) => value >= left && value <= right);
  return [
    `<figure><figcaption>${escaped(title)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(`${title}: ${y} by ${x}`)}">`,
    ...ticksY.map(
      (value) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${atY(value)}" y2="${atY(value)}"/>` +
        `<text x="${MARGIN.left - 6}" y="${atY(value) + 4}" text-anchor="end">${shown(value)}</text>`,
    ),
    ...ticksX.map(
      (value) =>
        `<text x="${atX(value)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${shown(value)}</text>`,
    ),
    `<text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">${escaped(x)}</text>`,
    `<text x="${MARGIN.left + 4}" y="${MARGIN.top + 10}">${escaped(y)}</text>`,
    ...lines.map((line, i) => {
      const path = line.points.map((point) => `${atX(point.x)},${atY(point.y)}`).join(' ');
      const dots = line.points.length > DOTS_MAX ? [] : line.points;
      return `<g ${stroke(i)}><polyline points="${path}"/>${dots
        .map(
          (point) =>
            `<circle cx="${atX(point.x)}" cy="${atY(point.y)}" r="3"><title>${escaped(`${line.name}: ${shown(point.y)} at ${shown(point.x)}`)}</title></circle>`,
        )
        .join('')}</g>`;
    }),
    '</svg><ul class="legend">',
    ...lines.map(
      ({ name }, i) =>
        `<li><svg viewBox="0 0 28 8" aria-hidden="true"><g ${stroke(i)}><polyline points="0,4 28,4"/></g></svg>${escaped(name)}</li>`,
    ),
    '</ul></figure>',
  ].join('\n');
}

const stroke = (i: number): string =>
  `stroke="${colours[i % colours.length]}" stroke-dasharray="${dashes[i % dashes.length]}"`;

const round = (value: number): number => Math.round(value * 10) / 10;
const shown = (value: number): string =>
  Number(value.toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 2 });
const largest = (values: number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
const smallest = (values: number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** Round values from below `from` to above `to`, 1, 2 or 5 of a power of ten apart. */
export function ticks(from: number, to: number): number[] {
  const raw = (to - from) / TICKS || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const first = Math.floor(from / step);
  const last = Math.max(first + 1, Math.ceil(to / step));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
