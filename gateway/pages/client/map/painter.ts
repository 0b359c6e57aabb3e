// Draws a part of a section: by small pictures of each look, stamped where the seats are; where many seats are seen, by one
// picture of the whole section, stamped once; where seats are only dots, by one picture of a pixel a seat. Nothing is made
// anew while a view is only moved.
import type { HallSection } from '../../seat-map/hall.ts';
import { type Look, looks } from '../../seat-map/script-words.ts';
import { SHAPE_SIZE, shapes } from '../../seat-map/shapes.ts';
import { type Box, type Cell, type View, visible } from '../../seat-map/viewport.ts';

/** Below this size of a cell (device pixels) shapes cannot be told apart. */
const DOTS_BELOW = 5;
/** From here on (CSS pixels) a seat has room for its number. */
const NUMBERED_FROM = 30;
const LABEL_MIN = 10;
const LABEL_MAX = 15;
/** Rows are numbered no closer than this. */
const LABEL_EVERY = 18;

export type Colours = Record<'tier' | 'onTier' | 'soft' | 'ink' | 'card' | 'bad' | 'brand', string>;

export type Scene = {
  section: HallSection;
  view: View;
  box: Box;
  /** Device pixels a CSS pixel. */
  density: number;
  /** The index in `looks` of a seat of the section. */
  lookOf: (offset: number) => number;
  /** Counts up whenever a seat looks different. */
  edition: number;
  cursor: Cell | null;
  colours: Colours;
  stage: string;
};

export function createPainter(canvas: HTMLCanvasElement) {
  const context = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
  let stamps = { name: '', picture: document.createElement('canvas') };
  let dots = { name: '', picture: document.createElement('canvas') };
  /** A whole section, stamped. */
  let sheet = { name: '', picture: document.createElement('canvas') };

  const stampsOf = (size: number, colours: Colours) => {
    const name = [size, ...Object.values(colours)].join();
    if (stamps.name !== name) {
      stamps.name = name;
      drawStamps(stamps.picture, size, colours);
    }
    return stamps.picture;
  };
  const dotsOf = ({ section, lookOf, edition, colours }: Scene) => {
    const name = [section.name, edition, ...Object.values(colours)].join();
    if (dots.name !== name) {
      dots.name = name;
      drawDots(dots.picture, section, lookOf, colours);
    }
    return dots.picture;
  };
  const sheetOf = (scene: Scene) => {
    const { section, view, density, edition, colours } = scene;
    const pitch = view.cell * density;
    const name = [section.name, edition, pitch, ...Object.values(colours)].join();
    if (sheet.name === name) return sheet.picture;
    const { picture } = sheet;
    sheet.name = name;
    picture.width = Math.ceil(section.seatsPerRow * pitch);
    picture.height = Math.ceil(section.rows * pitch);
    const all = {
      firstRow: 0,
      lastRow: section.rows - 1,
      firstColumn: 0,
      lastColumn: section.seatsPerRow - 1,
    };
    const onSheet = picture.getContext('2d') as CanvasRenderingContext2D;
    stampSeats(onSheet, scene, stampsOf(Math.floor(pitch), colours), { ...all, left: 0, top: 0 });
    return picture;
  };

  return {
    forget() {
      stamps = { name: '', picture: document.createElement('canvas') };
      dots = { name: '', picture: document.createElement('canvas') };
      sheet = { name: '', picture: document.createElement('canvas') };
    },
    paint(scene: Scene) {
      const { section, view, box, density, colours } = scene;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = colours.card;
      context.fillRect(0, 0, canvas.width, canvas.height);
      const size = Math.floor(view.cell * density);
      const part = visible(view, section, box);
      if (size < DOTS_BELOW) {
        context.setTransform(density, 0, 0, density, 0, 0);
        context.imageSmoothingEnabled = false;
        const [width, height] = [section.seatsPerRow * view.cell, section.rows * view.cell];
        context.drawImage(dotsOf(scene), view.x, view.y, width, height);
      } else {
        const [left, top] = [Math.round(view.x * density), Math.round(view.y * density)];
        if (isSheetWorthIt(scene, part)) context.drawImage(sheetOf(scene), left, top);
        else stampSeats(context, scene, stampsOf(size, colours), { ...part, left, top });
        context.setTransform(density, 0, 0, density, 0, 0);
        if (view.cell >= NUMBERED_FROM) drawNumbers(context, scene, part);
      }
      drawRowLabels(context, scene, part);
      drawStage(context, scene);
      if (scene.cursor) drawCursor(context, scene, scene.cursor);
    },
  };
}

type Part = ReturnType<typeof visible>;

/** So few seats are stamped as fast as a picture of them all is moved. */
const STAMPS_MAX = 500;
/** In device pixels; 24 MB. */
const SHEET_AREA_MAX = 6_000_000;

function isSheetWorthIt({ section, view, density }: Scene, part: Part): boolean {
  const seen = (part.lastRow - part.firstRow + 1) * (part.lastColumn - part.firstColumn + 1);
  const area = section.rows * section.seatsPerRow * (view.cell * density) ** 2;
  return seen > STAMPS_MAX && area <= SHEET_AREA_MAX;
}

/** The seats of a part, in device pixels, whole ones, so that no stamp is blurred. */
function stampSeats(
  context: CanvasRenderingContext2D,
  { section, view, density, lookOf }: Scene,
  picture: HTMLCanvasElement,
  part: Part & { left: number; top: number },
): void {
  const pitch = view.cell * density;
  const size = picture.height;
  for (let row = part.firstRow; row <= part.lastRow; row += 1) {
    const y = part.top + Math.round(row * pitch);
    for (let column = part.firstColumn; column <= part.lastColumn; column += 1) {
      const look = lookOf(row * section.seatsPerRow + column);
      const x = part.left + Math.round(column * pitch);
      context.drawImage(picture, look * size, 0, size, size, x, y, size, size);
    }
  }
}

/** Each look's own colour, and the one of the mark on it. */
const paints: Record<Look, { paint: keyof Colours; mark?: keyof Colours }> = {
  open: { paint: 'tier' },
  gone: { paint: 'soft' },
  chosen: { paint: 'ink', mark: 'card' },
  lost: { paint: 'bad' },
  accessible: { paint: 'tier' },
  companion: { paint: 'tier' },
};
/** Free space around a seat, as a part of its cell. */
const GAP = 0.06;

/** The looks side by side, each in a square of its own. */
function drawStamps(picture: HTMLCanvasElement, size: number, colours: Colours): void {
  picture.width = size * looks.length;
  picture.height = size;
  const context = picture.getContext('2d') as CanvasRenderingContext2D;
  const scale = (size * (1 - 2 * GAP)) / SHAPE_SIZE;
  looks.forEach((look, i) => {
    const { paint, mark } = paints[look];
    const { fill, line } = shapes[look];
    context.setTransform(scale, 0, 0, scale, (i + GAP) * size, GAP * size);
    context.fillStyle = colours[paint];
    context.strokeStyle = colours[mark ?? paint];
    context.lineWidth = Math.max(2.2, 1 / scale);
    if (fill) context.fill(new Path2D(fill));
    if (line) context.stroke(new Path2D(line));
  });
}

/** A pixel a seat. */
function drawDots(
  picture: HTMLCanvasElement,
  { rows, seatsPerRow }: HallSection,
  lookOf: Scene['lookOf'],
  colours: Colours,
): void {
  picture.width = seatsPerRow;
  picture.height = rows;
  const context = picture.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  // The browser's own reading of the colours, one pixel each.
  looks.forEach((look, i) => {
    context.fillStyle = colours[paints[look].paint];
    context.globalAlpha = look === 'gone' ? 0.35 : 1;
    context.fillRect(i % seatsPerRow, Math.floor(i / seatsPerRow), 1, 1);
  });
  const palette = looks.map((_, i) =>
    i < seatsPerRow * rows
      ? [...context.getImageData(i % seatsPerRow, Math.floor(i / seatsPerRow), 1, 1).data]
      : [],
  );
  const image = context.createImageData(seatsPerRow, rows);
  for (let offset = 0; offset < rows * seatsPerRow; offset += 1)
    image.data.set(palette[lookOf(offset)] ?? [], 4 * offset);
  context.putImageData(image, 0, 0);
}

function drawNumbers(
  context: CanvasRenderingContext2D,
  { section, view, lookOf, colours }: Scene,
  part: Part,
) {
  context.font = `600 ${Math.round(view.cell * 0.34)}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = colours.onTier;
  for (let row = part.firstRow; row <= part.lastRow; row += 1)
    for (let column = part.firstColumn; column <= part.lastColumn; column += 1) {
      const look = looks[lookOf(row * section.seatsPerRow + column)];
      if (look !== 'open' && look !== 'accessible' && look !== 'companion') continue;
      const low = look === 'companion' ? 0.62 : 0.52;
      context.fillText(
        String(column + 1),
        view.x + (column + 0.5) * view.cell,
        view.y + (row + low) * view.cell,
      );
    }
}

/** The numbers of the rows stay at the side while the seats move under them. */
function drawRowLabels(context: CanvasRenderingContext2D, { view, box, colours }: Scene, part: Part): void {
  const size = Math.max(LABEL_MIN, Math.min(LABEL_MAX, view.cell * 0.5));
  const every = Math.max(1, Math.ceil(LABEL_EVERY / view.cell));
  context.font = `${size}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const x = Math.max(view.x - Math.max(0.75 * view.cell, 1.3 * size), size);
  if (view.x < 2 * size) {
    context.fillStyle = colours.card;
    context.fillRect(0, 0, 2 * size, box.height);
  }
  context.fillStyle = colours.soft;
  for (let row = part.firstRow; row <= part.lastRow; row += 1)
    if (row % every === 0) context.fillText(String(row + 1), x, view.y + (row + 0.5) * view.cell);
}

function drawStage(context: CanvasRenderingContext2D, { section, view, box, colours, stage }: Scene): void {
  const bottom = view.y - 0.25 * view.cell;
  if (bottom < 0) return;
  const size = Math.max(LABEL_MIN, Math.min(LABEL_MAX, view.cell * 0.6));
  const left = Math.max(0, view.x);
  const right = Math.min(box.width, view.x + section.seatsPerRow * view.cell);
  context.fillStyle = colours.soft;
  context.fillRect(left, bottom - 2, right - left, 2);
  context.font = `${size}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  context.fillText(stage, (left + right) / 2, bottom - 3);
}

function drawCursor(
  context: CanvasRenderingContext2D,
  { view, colours }: Scene,
  { row, column }: Cell,
): void {
  const [x, y] = [view.x + column * view.cell, view.y + row * view.cell];
  context.lineWidth = 5;
  context.strokeStyle = colours.card;
  context.strokeRect(x, y, view.cell, view.cell);
  context.lineWidth = 3;
  context.strokeStyle = colours.brand;
  context.strokeRect(x, y, view.cell, view.cell);
}
