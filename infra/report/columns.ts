const FIRST: ReadonlySet<number> = new Set([0]);

/** Rows as lines whose cells stand below each other: to the right, as numbers do, but for those columns that are named in `left`. */
export function columns(rows: readonly string[][], left = FIRST): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((cells) => (cells[i] ?? '').length)));
  return rows.map((cells) =>
    cells
      .map((cell, i) => (left.has(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
