import type { HoldAnswer, HoldRequest } from '#shared/contract/booking.ts';
import { newSecretId } from '#shared/ids.ts';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { type Fan, shoppingLeftMs } from '../caller/fan.ts';
import { requestDigest } from '../caller/idempotency-key.ts';
import type { Sale } from '../catalogue/sale.ts';
import { seatId } from '../catalogue/seat-id.ts';
import type { Db } from '../db/client.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { pricedSeats } from '../inventory/priced-seats.ts';
import { OPEN, SOLD } from '../inventory/seat-states.ts';
import type { Hold } from './read-holds.ts';
import { isCrush, takeSeats } from './take.ts';
import { isBestGone } from './take-best.ts';
import { wantedSeats } from './wanted-seats.ts';

const holds = counter('admit_one_holds_total', 'Holds that were asked for: won, or why not.', ['outcome']);

type Asked = { fan: Fan; sale: Sale; request: HoldRequest; key: string | null };

/**
 * Takes the seats that a fan asks for, whichever way the request came. `tell` is told when the fan's last live hold ends, also
 * where the seats are refused, which is thrown.
 */
export type Take = (
  asked: Asked,
  tell: (holdsEndMs: number) => void,
) => Promise<{ answer: HoldAnswer; location: string }>;

export function createTake({ db, inventory }: { db: Db; inventory: Inventory }): Take {
  return async ({ fan, sale, request, key }, tell) => {
    const { definition } = sale;
    const wanted = wantedSeats(sale, request);
    const conflicts = key === null ? soldAmong(inventory, sale, wanted.seats ?? []) : [];
    if (conflicts.length > 0) throw refusal(sale, 'taken', conflicts);
    const attempt = {
      hold: newSecretId(),
      sale: definition.sale,
      event: sale.event.id,
      fan: fan.id,
      admission: fan.admission,
      idempotencyKey: key,
      requestDigest: requestDigest(request),
      ...wanted,
      holdMs: Math.min(definition.holdSeconds * 1000, shoppingLeftMs(fan)),
      seatsPerFan: definition.seatsPerFan,
    };
    if (key === null && isCrush(db, sale.event.id) && (await isBestGone(inventory, attempt)))
      throw refusal(sale, 'taken', [], wanted.accessible);
    const taken = await takeSeats(db, attempt, inventory);
    tell(taken.holdsEnd?.getTime() ?? 0);
    if (taken.outcome !== 'held') throw refusal(sale, taken.outcome, taken.seats, wanted.accessible);
    holds.count('won');
    void inventory.refresh();
    return {
      answer: holdAnswer(sale, taken),
      location: `/api/sales/${definition.sale}/holds/${taken.hold}`,
    };
  };
}

/**
 * Where one of the seats is sold, by what is committed and in memory, the database need not be asked; told are all that are
 * not open there. Of one that is only held it is asked: it may be over, or given back, this very moment. A key may name a
 * hold of before.
 */
function soldAmong(inventory: Inventory, sale: Sale, seats: readonly number[]): number[] {
  const { shown } = inventory.seatsOf(sale.event.id).states;
  return seats.some((seat) => shown[seat] === SOLD) ? seats.filter((seat) => shown[seat] !== OPEN) : [];
}

export const holdAnswer = (sale: Sale, { hold, seats, amount, expiresAt }: Hold): HoldAnswer => ({
  hold,
  seats: pricedSeats(sale.event, seats),
  expiresAt: expiresAt.toISOString(),
  total: { amount, currency: sale.event.currency },
});

function refusal(
  sale: Sale,
  outcome: 'taken' | 'mismatch' | 'limit' | 'holds-limit',
  seats: readonly number[],
  accessible = 0,
): Problem {
  holds.count(outcome);
  switch (outcome) {
    case 'taken': {
      const conflicts = seats.map((seat) => seatId(sale.event.sections, seat));
      const detail =
        conflicts.length > 0
          ? `Taken already: ${conflicts.join(', ')}.`
          : accessible > 0
            ? 'There are no such seats together with so many accessible ones among them any more.'
            : 'There are not that many seats together any more.';
      return new Problem('seats-taken', detail, { extra: { conflicts } });
    }
    case 'mismatch':
      return new Problem('idempotency-mismatch', 'This Idempotency-Key belongs to a hold of other seats.');
    case 'limit':
      return new Problem('limit-reached', `Each fan may have ${sale.definition.seatsPerFan} seats in all.`);
    case 'holds-limit':
      return new Problem('limit-reached', 'You have held seats too often in this admission.');
  }
}
