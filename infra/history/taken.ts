import type { SeatChange } from './books.ts';
import { AFTERMATH_MS, isDisturbed } from './disturbance.ts';
import { type Evidence, say } from './evidence.ts';
import { type Hall, seatNames } from './hall.ts';
import type { Asked } from './recorder.ts';

/**
 * Nobody is told that a seat is taken which was open all the while, or that so many are not together which were. What the
 * shop remembers may be a moment old.
 */
export function* judgeTaken({ asked, books, disturbances, hall }: Evidence) {
  const eventOf = new Map<string, string>();
  const seats = seatNames(hall);
  for (const each of asked) {
    const hold = each.status === 201 ? books.holds.get(String(each.body.hold)) : undefined;
    if (hold) eventOf.set(each.sale, hold.event);
  }
  for (const each of asked) {
    const event = eventOf.get(each.sale);
    const isHold = each.op === 'hold' || each.op === 'hold the best';
    if (!isHold || each.code !== 'seats-taken' || event === undefined || isDisturbed(each, disturbances))
      continue;
    const isOpen = (seat: string) => {
      const changes = books.seatChanges.get(`${event} ${seats.indexOf(seat)}`) ?? [];
      return wasOpen(changes, each.sentAt - AFTERMATH_MS, each.sentAt + each.tookMs);
    };
    const open =
      each.op === 'hold' ? (each.body.conflicts as string[]).filter(isOpen) : block(hall, each, isOpen);
    if (open.length > 0) yield `Open all the while, and not to be had: ${open.join(', ')}: ${say(each)}`;
  }
}

/** As many neighbours as were asked for, all of them open; empty when there were none. */
function block(hall: Hall, { json }: Asked, isOpen: (seat: string) => boolean): string[] {
  const { quantity, section } = (json as { best: { quantity: number; section?: string } }).best;
  for (const { name, rows, seatsPerRow } of hall) {
    if (section !== undefined && section !== name) continue;
    for (let row = 1; row <= rows; row += 1) {
      let together: string[] = [];
      for (let number = 1; number <= seatsPerRow; number += 1) {
        const seat = `${name}-${row}-${number}`;
        together = isOpen(seat) ? [...together, seat] : [];
        if (together.length === quantity) return together;
      }
    }
  }
  return [];
}

function wasOpen(changes: readonly SeatChange[], from: number, to: number): boolean {
  if (changes.some(({ at }) => at >= from && at <= to)) return false;
  const last = changes.findLast(({ at }) => at < from);
  return !last || last.state === 0 || (last.state === 1 && last.heldUntil < from);
}
