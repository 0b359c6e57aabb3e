// One section on a canvas: what part is seen, the cursor of the keyboard, and when to draw.
import type { HallSection } from '../../seat-map/hall.ts';
import {
  CELL_CHOOSABLE_MIN,
  type Cell,
  cellAt,
  cellFitting,
  fitted,
  kept,
  marginOf,
  moved,
  revealing,
  type View,
  zoomed,
} from '../../seat-map/viewport.ts';
import { listenToGestures } from './gestures.ts';
import { type Colours, createPainter } from './painter.ts';

/** A mouse points at smaller seats than a finger. */
const CELL_CLICKABLE_MIN = 12;
/** What a tap on seats that are too small makes of them. */
const CELL_AFTER_TAP = 36;
const HEIGHT_MIN = 260;
const HEIGHT_MAX = 560;
/** Of the window, so that the page can still be scrolled beside it. */
const HEIGHT_SHARE = 0.6;
const ROWS_A_PAGE = 10;
const KEY_ZOOM = 1.5;
/** More device pixels than this a CSS pixel nobody sees, and each costs memory. */
const DENSITY_MAX = 2;

export type ChartOptions = {
  stage: string;
  /** The index of the look of a seat, counted through the hall. */
  lookOf: (seat: number) => number;
  /** Which of the prices' colours the section has. */
  tierOf: (section: HallSection) => number;
  choose: (seat: number) => void;
  /** The keyboard has come to a seat. */
  reach: (seat: number) => void;
  leave: () => void;
};

export function createChart(canvas: HTMLCanvasElement, options: ChartOptions) {
  const painter = createPainter(canvas);
  let section: HallSection | null = null;
  let view: View = { cell: 1, x: 0, y: 0 };
  let box = { width: 0, height: 0 };
  let cursor: Cell | null = null;
  let edition = 0;
  let frame = 0;
  let colours: Colours | null = null;

  const density = () => Math.min(DENSITY_MAX, window.devicePixelRatio || 1);
  const seatAt = ({ firstSeat, seatsPerRow }: HallSection, { row, column }: Cell) =>
    firstSeat + row * seatsPerRow + column;

  /** One picture a frame at most, and none while nothing has changed. */
  const draw = () => {
    if (frame === 0) frame = requestAnimationFrame(paint);
  };
  const paint = () => {
    frame = 0;
    if (!section || box.width === 0) return;
    const { firstSeat } = section;
    colours ??= coloursOf(canvas, options.tierOf(section));
    const isFocused = document.activeElement === canvas;
    painter.paint({
      ...{ section, view, box, edition, colours, density: density(), stage: options.stage },
      lookOf: (offset) => options.lookOf(firstSeat + offset),
      cursor: isFocused ? cursor : null,
    });
  };

  const look = (next: View) => {
    const isSame = next.cell === view.cell && next.x === view.x && next.y === view.y;
    view = next;
    if (isSame || !section) return;
    // What is seen as a whole needs no dragging, and lets a finger scroll the page.
    const isWhole = view.cell <= cellFitting(section, box) * 1.001;
    canvas.style.touchAction = isWhole ? 'pan-y' : 'none';
    draw();
  };

  const resize = () => {
    if (!section) return;
    const width = canvas.clientWidth;
    const cell = cellFitting(section, { width, height: Number.POSITIVE_INFINITY });
    const wanted = section.rows * cell + 2 * marginOf(cell);
    const most = Math.min(HEIGHT_MAX, window.innerHeight * HEIGHT_SHARE);
    const height = Math.round(Math.max(HEIGHT_MIN, Math.min(most, wanted)));
    const wasWhole = box.width === 0 || view.cell <= cellFitting(section, box) * 1.001;
    if (width === 0 || (width === box.width && height === box.height && canvas.width === width * density()))
      return;
    box = { width, height };
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * density());
    canvas.height = Math.round(height * density());
    look(wasWhole ? fitted(section, box) : kept(view, section, box));
    // The canvas is empty now, and is not shown so for a frame.
    paint();
  };
  new ResizeObserver(resize).observe(canvas);

  const zoom = (factor: number, at = { x: box.width / 2, y: box.height / 2 }) => {
    if (section) look(zoomed(view, factor, at, section, box));
  };

  listenToGestures(canvas, {
    move: (dx, dy) => section && look(moved(view, dx, dy, section, box)),
    zoom,
    tap(at, isPrecise) {
      const cell = section && cellAt(view, at, section);
      if (!section || !cell) return;
      if (view.cell < (isPrecise ? CELL_CLICKABLE_MIN : CELL_CHOOSABLE_MIN))
        return zoom(CELL_AFTER_TAP / view.cell, at);
      cursor = cell;
      options.choose(seatAt(section, cell));
      draw();
    },
  });

  const go = ({ row, column }: Cell) => {
    if (!section) return;
    cursor = {
      row: Math.max(0, Math.min(section.rows - 1, row)),
      column: Math.max(0, Math.min(section.seatsPerRow - 1, column)),
    };
    look(revealing(view, cursor, section, box));
    options.reach(seatAt(section, cursor));
  };
  canvas.addEventListener('keydown', (event) => {
    if (!section || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = cursor;
    const to = (row: number, column: number) => () =>
      go(at ? { row: at.row + row, column: at.column + column } : middleOfFront(section as HallSection));
    const keys: Record<string, () => void> = {
      ArrowUp: to(-1, 0),
      ArrowDown: to(1, 0),
      ArrowLeft: to(0, -1),
      ArrowRight: to(0, 1),
      PageUp: to(-ROWS_A_PAGE, 0),
      PageDown: to(ROWS_A_PAGE, 0),
      Home: to(0, -section.seatsPerRow),
      End: to(0, section.seatsPerRow),
      '+': () => zoom(KEY_ZOOM),
      '-': () => zoom(1 / KEY_ZOOM),
      Enter: () => section && (at ? options.choose(seatAt(section, at)) : go(middleOfFront(section))),
      Escape: options.leave,
    };
    const act = keys[event.key === ' ' ? 'Enter' : event.key];
    if (!act) return;
    event.preventDefault();
    act();
    draw();
  });
  canvas.addEventListener('focus', draw);
  canvas.addEventListener('blur', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    colours = null;
    draw();
  });

  return {
    zoom,
    /** Some seats may look different. */
    redraw() {
      edition += 1;
      draw();
    },
    open(next: HallSection) {
      section = next;
      cursor = null;
      colours = null;
      box = { width: 0, height: 0 };
      edition += 1;
      resize();
    },
    close() {
      section = null;
      painter.forget();
      // The memory of a large canvas is given back.
      canvas.width = 0;
      canvas.height = 0;
    },
  };
}

const middleOfFront = ({ seatsPerRow }: HallSection): Cell => ({
  row: 0,
  column: Math.floor((seatsPerRow - 1) / 2),
});

function coloursOf(canvas: HTMLCanvasElement, tier: number): Colours {
  const style = getComputedStyle(canvas);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ...{ tier: of(`tier-${tier}`), onTier: of('on-tier'), soft: of('soft'), ink: of('ink') },
    ...{ card: of('card'), bad: of('bad'), brand: of('brand') },
  };
}
