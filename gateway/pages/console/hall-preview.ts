import { html } from 'hono/html';
import { ROWS_MAX, SEATS_PER_ROW_MAX } from '#shared/contract/event.ts';
import type { Html } from '../layout.ts';
import type { Locale } from '../locale.ts';

export type DrawnSection = {
  name: string;
  rows: number;
  seatsPerRow: number;
  accessible?: readonly string[] | undefined;
  companions?: readonly string[] | undefined;
};

/** In seats: between sections, for a section's name, and the least width that a name needs. */
const GAP = 1.5;
const WIDTH_MIN = 24;
const STAGE_HEIGHT = 2;
const MARKS_DRAWN_MAX = 2_000;

/** A hall to scale, stage first; a seat is a dot of a pattern, so that the largest hall is as small a picture as any. */
export function hallPreview(sections: readonly DrawnSection[], locale: Locale): Html {
  const { event: words } = locale.texts.console;
  const drawn = sections.filter(
    ({ rows, seatsPerRow }) =>
      rows >= 1 && rows <= ROWS_MAX && seatsPerRow >= 1 && seatsPerRow <= SEATS_PER_ROW_MAX,
  );
  const sum = (of: (section: DrawnSection) => number) =>
    locale.number(drawn.reduce((all, section) => all + of(section), 0));
  return html`<section id="hall" class="card hall">
    <h2>${words.preview}</h2>
    ${drawn.length === 0 ? html`<p class="soft">${words.previewEmpty}</p>` : plan(drawn, words.preview, words.stage)}
    <p class="soft">
      ${words.totals(
        sum(({ rows, seatsPerRow }) => rows * seatsPerRow),
        sum(({ accessible = [] }) => accessible.length),
        sum(({ companions = [] }) => companions.length),
      )}
    </p>
  </section>`;
}

function plan(sections: readonly DrawnSection[], title: string, stage: string): Html {
  const width = Math.max(WIDTH_MIN, ...sections.map(({ seatsPerRow }) => seatsPerRow));
  const letter = Math.max(1.4, width / 30);
  let top = STAGE_HEIGHT + GAP + letter;
  const placed = sections.map((section) => {
    const from = top;
    top += section.rows + GAP + letter * 1.5;
    return { section, from };
  });
  const middle = width / 2;
  return html`<svg viewBox="0 0 ${width} ${top}" role="img" aria-label="${title}">
    <defs>
      <pattern id="seat" width="1" height="1" patternUnits="userSpaceOnUse">
        <circle class="seat" cx="0.5" cy="0.5" r="0.36" />
      </pattern>
    </defs>
    <rect class="stage" x="${middle - width / 4}" y="0" width="${width / 2}" height="${STAGE_HEIGHT}" rx="0.5" />
    <text x="${middle}" y="${STAGE_HEIGHT / 2 + 0.5}" text-anchor="middle" font-size="1.4">${stage}</text>
    ${placed.map(({ section, from }) => {
      const start = (width - section.seatsPerRow) / 2;
      return html`<text x="${middle}" y="${from - letter * 0.3}" text-anchor="middle" font-size="${letter}">${section.name}</text>
        <g transform="translate(${start} ${from})">
          <rect width="${section.seatsPerRow}" height="${section.rows}" fill="url(#seat)" />
          ${marks(section, section.accessible).map(
            ([x, y]) =>
              html`<rect class="accessible" x="${x + 0.08}" y="${y + 0.08}" width="0.84" height="0.84" />`,
          )}
          ${marks(section, section.companions).map(
            ([x, y]) =>
              html`<circle class="companion" cx="${x + 0.5}" cy="${y + 0.5}" r="0.42" stroke-width="0.14" />`,
          )}
        </g>`;
    })}
  </svg>`;
}

/** Where the named seats of a section are; what is no seat of it is not drawn. */
const marks = ({ rows, seatsPerRow }: DrawnSection, seats: readonly string[] = []): [number, number][] =>
  seats.slice(0, MARKS_DRAWN_MAX).flatMap((seat): [number, number][] => {
    const [, row, number] = (/^(\d{1,4})-(\d{1,4})$/.exec(seat) ?? []).map(Number);
    const isThere = row && number && row <= rows && number <= seatsPerRow;
    return isThere ? [[number - 1, row - 1]] : [];
  });
