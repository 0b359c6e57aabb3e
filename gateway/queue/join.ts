import { z } from 'zod';
import { IdempotencyKey } from '#shared/contract/fields.ts';
import { JoinRequest, type StatusAnswer } from '#shared/contract/queue.ts';
import { jsonOf, validate } from '#shared/json-body.ts';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import type { Access } from '../limits/access.ts';
import { adoptEntry } from './adopt.ts';
import { type Place, takePlace } from './place.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { entryStatus, type Queue, waitingStatus } from './status.ts';
import type { QueueTicket } from './ticket.ts';
import { waitingPosition } from './waiting-answer.ts';
import { isCurrent, lostSale } from './watch.ts';

const joins = counter('admit_one_joins_total', 'Joins of a sale: a place that is new, or known already.', [
  'sale',
  'outcome',
]);

/** The Idempotency-Key of a request to join; throws `invalid-field`. */
export const joinKeyOf = (header: string | undefined): string | null =>
  header === undefined ? null : validate(JoinHeaders, { 'idempotency-key': header })['idempotency-key'];

const JoinHeaders = z.object({ 'idempotency-key': IdempotencyKey });

/** What its body says. Throws what jsonOf throws. */
export const accessCodeOf = (body: Uint8Array, type: string | undefined): string | null =>
  jsonOf(body, type, JoinRequest).accessCode ?? null;

export type Joined = { created: boolean; answer: StatusAnswer & { queueTicket: string } };

/** Takes a place, or finds the one the fan has, and says where it is. Throws what takePlace throws. */
export async function joinQueue(
  queue: Queue,
  sale: string,
  ticket: QueueTicket | null,
  idempotencyKey: string | null,
  accessCode: string | null,
): Promise<Joined> {
  const { store, tickets, watch, log } = queue;
  // Redis has lost data since the ticket was signed: it brings back its place, so that the join finds it.
  const snapshot = watch.remembered(sale);
  if (ticket && snapshot && ticket.epoch !== snapshot.epoch) await adoptEntry(store, ticket, log);
  const place = await takePlace(
    store,
    sale,
    {
      ticketEntry: ticket?.entry ?? null,
      keyEntry: idempotencyKey === null ? null : tickets.entryIdOf(sale, idempotencyKey),
      otherKeyEntries: idempotencyKey === null ? [] : tickets.otherEntryIdsOf(sale, idempotencyKey),
    },
    accessCode,
  ).catch((error: unknown) => {
    throw snapshot && error instanceof Problem && error.code === 'not-found' ? lostSale() : error;
  });
  const { created, epoch, entry } = place;
  joins.count(sale, created ? 'new' : 'known');
  // A ticket that says more than Redis, after a loss, is kept as it is.
  const isMore = ticket?.entry === entry.id && ticket.queueNumber !== null && entry.queueNumber === null;
  const queueTicket = tickets.sign(
    isMore ? ticket : { sale, entry: entry.id, queueNumber: entry.queueNumber, epoch },
  );
  const answer = (await statusAtJoin(queue, sale, place)) as Joined['answer'];
  answer.queueTicket = queueTicket;
  return { created, answer };
}

/** The same for a fan from an address, within what may come from there; throws `rate-limited` too. */
export const joinFrom = (
  queue: Queue,
  access: Pick<Access, 'join'>,
  address: string | null,
  ...[sale, ticket, idempotencyKey, accessCode]: [string, QueueTicket | null, string | null, string | null]
): Promise<Joined> => {
  const snapshot = queue.watch.remembered(sale);
  const isNew = !ticket || !snapshot || waitingPosition(snapshot, ticket) === null;
  return access.join({ address, sale, isNew, accessCode }, () =>
    joinQueue(queue, sale, ticket, idempotencyKey, accessCode),
  );
};

/** A place that was just taken is told from the join itself, without waiting for a snapshot that knows it. */
async function statusAtJoin(queue: Queue, sale: string, place: Place): Promise<StatusAnswer> {
  const { created, asOf, ahead, entry } = place;
  const { version, queueNumber } = entry;
  const known = queue.watch.remembered(sale);
  const position = ahead + 1;
  if (created && queueNumber !== null && known && !known.recovering && isCurrent(known) && isBegun(known)) {
    return waitingStatus(known, queueNumber, position, 1, { asOf, version });
  }
  const snapshot = await queue.watch.atLeast(sale, { version, queueNumber: queueNumber ?? 0 });
  const status = await entryStatus(queue, snapshot, entry);
  // The turn came while the snapshot was read: where the fan stood at the moment of joining is still the truth of it.
  const isGone = status.state === 'waiting' && status.position === null && !snapshot.recovering;
  return isGone ? { ...status, position, ahead } : status;
}

const isBegun = ({ state }: QueueSnapshot): boolean => state !== 'scheduled' && state !== 'lobby';
