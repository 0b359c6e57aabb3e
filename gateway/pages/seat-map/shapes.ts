import type { Look } from './script-words.ts';

/** The side of the square that the shapes are drawn in. */
export const SHAPE_SIZE = 20;

/**
 * The shape of each look as SVG path data, for the canvas and the legend: told apart without colour. `fill` is filled,
 * `line` drawn; a line on a filled shape is the mark on it.
 */
export const shapes: Record<Look, { fill?: string; line?: string }> = {
  open: { fill: 'M6 2h8a4 4 0 0 1 4 4v8a4 4 0 0 1-4 4h-8a4 4 0 0 1-4-4v-8a4 4 0 0 1 4-4z' },
  gone: { line: 'M6 6l8 8M14 6l-8 8' },
  chosen: { fill: 'M1 10a9 9 0 1 0 18 0a9 9 0 1 0-18 0z', line: 'M5.5 10.5l3 3 6-7' },
  lost: { line: 'M2 10a8 8 0 1 0 16 0a8 8 0 1 0-16 0zM6 6l8 8M14 6l-8 8' },
  accessible: { fill: 'M10 0l10 10-10 10L0 10z' },
  companion: { fill: 'M10 1l9 17H1z' },
};
