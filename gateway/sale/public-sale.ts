import { isoTime, isoTimeOrNull } from '#shared/clock.ts';
import type { EventAnswer } from '#shared/contract/event.ts';
import type { SaleAnswer, SaleStock } from '#shared/contract/sale.ts';
import type { QueueSnapshot } from '../queue/snapshot.ts';
import { isCurrent } from '../queue/watch.ts';

const FEW_SHARE_MAX = 0.05;
const LIMITED_SHARE_MAX = 0.25;

/** How much is left, in a word, as a share of what the sale has. */
export function leftWord(stock: SaleStock): SaleAnswer['left']['word'] {
  const seats = stock.open + stock.held + stock.sold + stock.blocked;
  if (stock.open === 0) return 'none';
  if (stock.open <= seats * FEW_SHARE_MAX) return 'few';
  if (stock.open <= seats * LIMITED_SHARE_MAX) return 'limited';
  return 'plenty';
}

/** What everybody may know about a sale. */
export function publicSale(snapshot: QueueSnapshot, event: EventAnswer, stock: SaleStock | null): SaleAnswer {
  const { definition } = snapshot;
  return {
    sale: definition.sale,
    event: {
      event: event.event,
      name: event.name,
      venue: event.venue,
      startsAt: event.startsAt,
      timeZone: event.timeZone,
    },
    name: definition.name,
    state: snapshot.state,
    opensAt: definition.opensAt,
    lobbyOpensAt: definition.lobbyOpensAt,
    closesAt: definition.closesAt,
    draw: snapshot.drawState,
    beacon: definition.beacon,
    accessCodeNeeded: definition.accessCodeUses !== null,
    waiting: isCurrent(snapshot) ? snapshot.waiting : null,
    prices: definition.sections.map(({ name, price }) => ({ section: name, price })),
    left: { seats: stock?.open ?? null, word: stock && leftWord(stock) },
    seatsPerFan: definition.seatsPerFan,
    claimSeconds: definition.claimSeconds,
    admissionSeconds: definition.admissionSeconds,
    graceSeconds: definition.graceSeconds,
    allHeldUntil: isoTimeOrNull(snapshot.allHeldUntil),
    notice: definition.notice,
    serverTime: isoTime(snapshot.asOf + (performance.now() - snapshot.readAt)),
  };
}
