/** Rows of text in columns, numbers to the right; the columns named in `left` to the left. */
export function table(
  header: string[],
  rows: string[][],
  left: ReadonlySet<number> = new Set([0]),
): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: string[]) =>
    `  ${cells.map((cell, i) => (left.has(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`.trimEnd();
  return [line(header), ...rows.map(line)];
}
