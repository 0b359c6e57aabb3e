import type { StatusAnswer } from '#shared/contract/queue.ts';
import { takePlace } from './place.ts';
import { entryStatus, type Queue } from './status.ts';
import type { QueueTicket } from './ticket.ts';

export type Joined = { created: boolean; answer: StatusAnswer & { queueTicket: string } };

/** Takes a place, or finds the one the fan has, and says where it is. Throws what takePlace throws. */
export async function joinQueue(
  queue: Queue,
  sale: string,
  ticket: QueueTicket | null,
  idempotencyKey: string | null,
  accessCode: string | null,
): Promise<Joined> {
  const { store, tickets, watch } = queue;
  const { created, ahead, entry } = await takePlace(
    store,
    sale,
    {
      ticketEntry: ticket?.entry ?? null,
      keyEntry: idempotencyKey === null ? null : tickets.entryIdOf(sale, idempotencyKey),
    },
    accessCode,
  );
  const snapshot = await watch.atLeast(sale, { version: entry.version, queueNumber: entry.queueNumber ?? 0 });
  const status = await entryStatus(queue, snapshot, entry);
  // The turn came while the snapshot was read: where the fan stood at the moment of joining is still the truth of it.
  if (status.state === 'waiting' && status.position === null)
    Object.assign(status, { position: ahead + 1, ahead });
  const queueTicket = tickets.sign({ sale, entry: entry.id, queueNumber: entry.queueNumber });
  return { created, answer: { ...status, queueTicket } };
}
