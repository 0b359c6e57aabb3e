import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CELL_CHOOSABLE_MIN,
  CELL_MAX,
  cellAt,
  fitted,
  marginOf,
  moved,
  revealing,
  type View,
  visible,
  zoomed,
} from './viewport.ts';

const grids = fc.record({
  rows: fc.integer({ min: 1, max: 500 }),
  seatsPerRow: fc.integer({ min: 1, max: 500 }),
});
const boxes = fc.record({
  width: fc.integer({ min: 280, max: 1_000 }),
  height: fc.integer({ min: 200, max: 700 }),
});
const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const centreOf = (view: View, row: number, column: number) => ({
  x: view.x + (column + 0.5) * view.cell,
  y: view.y + (row + 0.5) * view.cell,
});

test('the whole section is seen at first', () => {
  fc.assert(
    fc.property(grids, boxes, (grid, box) => {
      expect(visible(fitted(grid, box), grid, box)).toEqual({
        ...{ firstRow: 0, lastRow: grid.rows - 1, firstColumn: 0, lastColumn: grid.seatsPerRow - 1 },
      });
    }),
  );
});

test('however a section is dragged and zoomed, it stays in view, no smaller than whole and no larger than useful', () => {
  const act = fc.record({ by: between(0.2, 5), x: between(-500, 1_500), y: between(-500, 1_500) });
  fc.assert(
    fc.property(grids, boxes, fc.array(act, { maxLength: 20 }), (grid, box, acts) => {
      const whole = fitted(grid, box);
      let view = whole;
      for (const { by, x, y } of acts) {
        view = moved(zoomed(view, by, { x, y }, grid, box), x, y, grid, box);
        expect(view.cell).toBeGreaterThanOrEqual(whole.cell);
        expect(view.cell).toBeLessThanOrEqual(CELL_MAX);
        const margin = marginOf(view.cell) + 1e-6;
        const isFilled = (at: number, size: number, length: number) =>
          size + 2 * margin <= length + 1e-3
            ? at >= -1e-6 && at + size <= length + 1e-6
            : at <= margin && at + size >= length - margin;
        expect(isFilled(view.x, grid.seatsPerRow * view.cell, box.width)).toBe(true);
        expect(isFilled(view.y, grid.rows * view.cell, box.height)).toBe(true);
      }
    }),
  );
});

test('a seat is found where it is drawn, and nothing beside the grid', () => {
  const [grid, box] = [
    { rows: 4, seatsPerRow: 7 },
    { width: 390, height: 300 },
  ];
  const view = fitted(grid, box);
  for (let row = 0; row < 4; row += 1)
    for (let column = 0; column < 7; column += 1)
      expect(cellAt(view, centreOf(view, row, column), grid)).toEqual({ row, column });
  expect(cellAt(view, { x: view.x - 1, y: view.y + 1 }, grid)).toBeNull();
  expect(cellAt(view, { x: view.x + 1, y: view.y + 4 * view.cell + 1 }, grid)).toBeNull();
});

test('zooming keeps what is under the fingers under them', () => {
  const [grid, box] = [
    { rows: 100, seatsPerRow: 100 },
    { width: 400, height: 400 },
  ];
  const view = zoomed(fitted(grid, box), 4, { x: 200, y: 200 }, grid, box);
  const at = { x: 190, y: 215 };
  expect(cellAt(zoomed(view, 1.5, at, grid, box), at, grid)).toEqual(cellAt(view, at, grid));
});

test('the seat that the keyboard is at is seen whole and large', () => {
  fc.assert(
    fc.property(grids, boxes, between(0, 1), between(0, 1), (grid, box, down, across) => {
      const row = Math.floor(down * (grid.rows - 1));
      const column = Math.floor(across * (grid.seatsPerRow - 1));
      const view = revealing(fitted(grid, box), { row, column }, grid, box);
      expect(view.cell).toBeGreaterThanOrEqual(CELL_CHOOSABLE_MIN - 1e-9);
      const { x, y } = centreOf(view, row, column);
      expect(x - view.cell / 2).toBeGreaterThanOrEqual(-1e-6);
      expect(x + view.cell / 2).toBeLessThanOrEqual(box.width + 1e-6);
      expect(y - view.cell / 2).toBeGreaterThanOrEqual(-1e-6);
      expect(y + view.cell / 2).toBeLessThanOrEqual(box.height + 1e-6);
    }),
  );
});
