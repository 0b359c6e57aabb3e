import { type Evidence, say } from './evidence.ts';
import { seatName } from './hall.ts';

/** Acknowledged holds are there with their seats, one a key, and what was given back is not the fan's any more. */
export function* judgeHolds({ asked, books, hall }: Evidence) {
  const ofKey = new Map<string, { id: string; until: number }>();
  for (const each of asked) {
    if (each.op === 'release' && each.status === 204) {
      const state = books.holds.get(each.url.split('/').at(-1) as string)?.state;
      if (state !== 'released' && state !== 'expired') yield `Given back, and ${state}: ${say(each)}`;
    }
    if ((each.op !== 'hold' && each.op !== 'hold the best') || each.status !== 201) continue;
    const id = String(each.body.hold);
    const hold = books.holds.get(id);
    if (!hold) {
      yield `Lost: hold ${id}, of which ${say(each)} told`;
      continue;
    }
    const seats = (each.body.seats as { seat: string }[]).map(({ seat }) => seat);
    const booked = hold.seats.map((seat) => seatName(hall, seat));
    if (seats.sort().join() !== booked.sort().join())
      yield `Hold ${id} has ${booked}, and ${say(each)} was told ${seats}`;
    if (each.key === undefined) continue;
    const key = `${each.sale} ${each.who} ${each.key}`;
    const known = ofKey.get(key);
    ofKey.set(key, { id, until: Date.parse(String(each.body.expiresAt)) });
    // A key is a hold's for as long as that lives.
    const isLive =
      known && known.until > each.sentAt + each.tookMs && books.holds.get(known.id)?.state !== 'released';
    if (isLive && known.id !== id) yield `Two holds under one key: ${known.id} and ${id}; ${say(each)}`;
  }
}
