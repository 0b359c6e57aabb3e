/** The sections of a hall, in the order in which its seats are counted. */
export type Hall = readonly { name: string; rows: number; seatsPerRow: number }[];

/** `A-1-14` and so on, of every seat; its place in the list is its number in the books. */
export const seatNames = (hall: Hall): string[] =>
  hall.flatMap(({ name, rows, seatsPerRow }) =>
    Array.from({ length: rows * seatsPerRow }, (_, i) => {
      const [row, seat] = [Math.floor(i / seatsPerRow) + 1, (i % seatsPerRow) + 1];
      return `${name}-${row}-${seat}`;
    }),
  );

/** `#` and the number where the hall has no such seat. */
export function seatName(hall: Hall, seat: number): string {
  let left = seat;
  for (const { name, rows, seatsPerRow } of hall) {
    if (left < rows * seatsPerRow)
      return `${name}-${Math.floor(left / seatsPerRow) + 1}-${(left % seatsPerRow) + 1}`;
    left -= rows * seatsPerRow;
  }
  return `#${seat}`;
}
