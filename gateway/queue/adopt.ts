import type { Log } from '#shared/log.ts';
import { saleCarrier } from '../redis/carrier.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { beginRecovery } from './begin-recovery.ts';
import { type Entry, type EntryReply, readEntry } from './entry.ts';
import type { QueueTicket } from './ticket.ts';
import { lostSale } from './watch.ts';

type Answer = EntryReply | ['unknown' | 'lost' | 'kept'];

const script = saleScript<['no-sale'] | [epoch: number, recovering: 0 | 1, ...answers: Answer[]]>(
  new URL('./adopt.lua', import.meta.url),
);

/** Equal to SLICE in prelude/call.lua. */
const TICKETS_AT_ONCE_MAX = 500;
/** After a loss everybody's ticket comes within one poll interval; whoever comes beyond is asked to try again. */
const TICKETS_WAITING_MAX = 50_000;

/**
 * `epoch` is the queue's, for the ticket to be renewed. Without an entry the place is about to be brought back (`kept`), or
 * was not in time.
 */
export type Adopted = { epoch: number; kept: boolean; entry: Entry | null };

/** `lost`: the ticket is proof that Redis has lost data. */
type Found = { epoch: number; recovering: boolean; entry: Entry | 'lost' | 'unknown' | 'kept' };

/** Tickets that arrive while a call is under way go together in the next. */
const carryTicket = saleCarrier(adoptTogether, {
  what: 'tickets-brought-back',
  atOnceMax: TICKETS_AT_ONCE_MAX,
  waitingMax: TICKETS_WAITING_MAX,
});

/**
 * The entry of a queue ticket, taken back if Redis has lost it: the ticket is proof of its place. Where nobody has noticed
 * the loss before, the recovery begins here. Throws `not-found`, `unavailable`.
 */
export async function adoptEntry(store: Store, ticket: QueueTicket, log: Log): Promise<Adopted> {
  let found = await carryTicket(store, ticket.sale, ticket);
  if (found.entry === 'lost') {
    await beginRecovery(
      store,
      ticket.sale,
      { epoch: found.epoch, seenEpoch: ticket.epoch, seenVersion: 0 },
      log,
    );
    found = await carryTicket(store, ticket.sale, ticket);
  }
  const { epoch, recovering, entry } = found;
  if (typeof entry !== 'string') return { epoch, kept: false, entry };
  return { epoch, kept: recovering || entry === 'kept', entry: null };
}

async function adoptTogether(store: Store, sale: string, tickets: QueueTicket[]): Promise<Found[]> {
  const args = tickets.flatMap(({ entry, queueNumber, epoch }) => [entry, queueNumber ?? 0, epoch]);
  const reply = await script(store, sale, args);
  if (reply[0] === 'no-sale') throw lostSale();
  const [epoch, recovering, ...answers] = reply as [number, 0 | 1, ...Answer[]];
  return answers.map((answer) => ({
    epoch,
    recovering: recovering === 1,
    entry: answer[0] === 'entry' ? readEntry(answer) : answer[0],
  }));
}
