// What part of a section a canvas shows. Seats stand in a grid of square cells, row 1 at the top, around it a margin; a
// view says how large a cell is on the screen and where the grid begins. All lengths are CSS pixels.

export type Grid = { rows: number; seatsPerRow: number };
export type Box = { width: number; height: number };
export type View = { cell: number; x: number; y: number };
export type Cell = { row: number; column: number };

/** Free space on each side, for the stage in front and the rows' numbers beside, which are read however small seats are. */
const MARGIN_CELLS = 1.5;
const MARGIN_MIN = 26;
export const marginOf = (cell: number): number => Math.max(MARGIN_MIN, MARGIN_CELLS * cell);

const ROUNDING = 1e-6;
/** A seat of this size is easily touched. */
export const CELL_MAX = 56;
/** Seats that are smaller are too close to each other to choose by touch: a tap shows them larger first. */
export const CELL_CHOOSABLE_MIN = 24;

/** The smallest cell: the whole section is to be seen. */
export const cellFitting = ({ rows, seatsPerRow }: Grid, { width, height }: Box): number =>
  Math.min(CELL_MAX, alongFitting(seatsPerRow, width), alongFitting(rows, height));

const alongFitting = (cells: number, length: number): number =>
  Math.min(length / (cells + 2 * MARGIN_CELLS), (length - 2 * MARGIN_MIN) / cells);

export function fitted(grid: Grid, box: Box): View {
  return kept({ cell: cellFitting(grid, box), x: 0, y: 0 }, grid, box);
}

/** The view within its bounds: no smaller than the whole, and no empty space where there could be seats. */
export function kept(view: View, grid: Grid, box: Box): View {
  const cell = Math.max(cellFitting(grid, box), Math.min(CELL_MAX, view.cell));
  const margin = marginOf(cell);
  const along = (at: number, cells: number, length: number): number => {
    const size = cells * cell;
    // What just fits shall not tremble between two places.
    if (size + 2 * margin <= length + ROUNDING) return (length - size) / 2;
    return Math.min(margin, Math.max(length - margin - size, at));
  };
  return {
    cell,
    x: along(view.x, grid.seatsPerRow, box.width),
    y: along(view.y, grid.rows, box.height),
  };
}

/** Larger or smaller, while the place under a point stays under it. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }, grid: Grid, box: Box): View {
  const cell = Math.max(cellFitting(grid, box), Math.min(CELL_MAX, view.cell * factor));
  const by = cell / view.cell;
  return kept({ cell, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, grid, box);
}

export const moved = (view: View, dx: number, dy: number, grid: Grid, box: Box): View =>
  kept({ ...view, x: view.x + dx, y: view.y + dy }, grid, box);

/** The cell under a point, counted from 0; null outside the grid. */
export function cellAt(view: View, at: { x: number; y: number }, { rows, seatsPerRow }: Grid): Cell | null {
  const row = Math.floor((at.y - view.y) / view.cell);
  const column = Math.floor((at.x - view.x) / view.cell);
  return row >= 0 && row < rows && column >= 0 && column < seatsPerRow ? { row, column } : null;
}

/** The first and the last row and column of which anything is to be seen. */
export function visible(view: View, { rows, seatsPerRow }: Grid, box: Box) {
  const first = (at: number) => Math.max(0, Math.floor(-at / view.cell));
  const last = (at: number, length: number, cells: number) =>
    Math.min(cells - 1, Math.floor((length - at) / view.cell));
  return {
    firstRow: first(view.y),
    lastRow: last(view.y, box.height, rows),
    firstColumn: first(view.x),
    lastColumn: last(view.x, box.width, seatsPerRow),
  };
}

/** The view moved as little as needed for a cell, and the ones around it, to be seen whole and large enough. */
export function revealing(view: View, { row, column }: Cell, grid: Grid, box: Box): View {
  const centre = { x: view.x + (column + 0.5) * view.cell, y: view.y + (row + 0.5) * view.cell };
  const larger =
    view.cell < CELL_CHOOSABLE_MIN ? zoomed(view, CELL_CHOOSABLE_MIN / view.cell, centre, grid, box) : view;
  const into = (at: number, index: number, length: number): number => {
    const start = at + (index - 1) * larger.cell;
    const end = start + 3 * larger.cell;
    if (start < 0) return at - start;
    return end > length ? at - (end - length) : at;
  };
  return kept(
    { ...larger, x: into(larger.x, column, box.width), y: into(larger.y, row, box.height) },
    grid,
    box,
  );
}
