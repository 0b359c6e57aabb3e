import { newId } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { saleCarrier } from '../redis/carrier.ts';
import type { MomentReply } from '../redis/heard.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { ACCESS_CODE_OPENINGS_PER_USE, digestOfCode } from './access-code.ts';
import { type Entry, type EntryReply, readEntry } from './entry.ts';
import { lostSale, unknownSale } from './watch.ts';

const join = saleScript<JoinReply>(new URL('./join.lua', import.meta.url));
const leave = saleScript<['no-sale' | 'unknown'] | [state: string, number: number, MomentReply]>(
  new URL('./leave.lua', import.meta.url),
);
const lookUp = saleScript<['no-sale'] | ('unknown' | EntryReply)[]>(
  new URL('./look-up.lua', import.meta.url),
);

type JoinReply =
  | ['no-sale' | 'freeze']
  | [now: number, moment: MomentReply, ahead: number, ...answers: JoinAnswer[]];
type JoinAnswer = number | string | [created: 0 | 1, ahead: number, id: string, entry: EntryReply];

const RESTORING_RETRY_SECONDS = 10;
/** Equal to SLICE in prelude/call.lua. */
const AT_ONCE_MAX = 500;
/** Some two seconds' joins; whoever comes beyond is asked to try again. */
const WAITING_MAX = 50_000;

/** `asOf`: by Redis' clock, epoch milliseconds. `ahead`: waiting entries before it at that moment. */
export type Place = { created: boolean; asOf: number; ahead: number; epoch: number; entry: Entry };

/**
 * `otherKeyEntries`: the ids that the fan's key leads to by other secrets, while they are changed; a new place is never made
 * under one of them.
 */
type Known = { ticketEntry: string | null; keyEntry: string | null; otherKeyEntries?: string[] };
type Join = Known & { code: string };

const limits = { atOnceMax: AT_ONCE_MAX, waitingMax: WAITING_MAX };
const carryJoin = saleCarrier(joinTogether, { what: 'joins', ...limits });
const carryLookUp = saleCarrier(lookUpTogether, { what: 'look-ups', ...limits });

/**
 * Gives a fan a place in the queue, or the one they have: recognised by the id in their queue ticket, else by the id
 * derived from their idempotency key. Repeating a join whose answer was lost is therefore harmless. All joins that arrive
 * while a call is under way go to Redis together in the next, in order of arrival.
 *
 * A new place of a sale with access codes takes one use of `accessCode`; the place one has takes none.
 *
 * Throws `not-found`, `not-open`, `sale-ended`, `already-finished`, `forbidden`, `unavailable`.
 */
export async function takePlace(
  store: Store,
  sale: string,
  known: Known,
  accessCode: string | null = null,
): Promise<Place> {
  const code = accessCode === null ? '' : digestOfCode(sale, accessCode);
  const place = await carryJoin(store, sale, { ...known, code });
  if (place instanceof Problem) throw place;
  return place;
}

async function joinTogether(store: Store, sale: string, joins: Join[]): Promise<(Place | Problem)[]> {
  const newIds = joins.map(() => newId());
  const args = joins.map((join, i) => argumentOf(join, newIds[i] as string));
  let reply = await join(store, sale, [ACCESS_CODE_OPENINGS_PER_USE, ...args]);
  if (reply[0] === 'freeze') {
    await freezeLobby(store, sale);
    reply = await join(store, sale, [ACCESS_CODE_OPENINGS_PER_USE, ...args]);
  }
  if (typeof reply[0] === 'string') throw refusal(reply[0]);
  const [now, moment, aheadOfFirst, ...answers] = reply as [number, MomentReply, number, ...JoinAnswer[]];
  store.heard?.note(sale, moment);
  const [epoch, , version] = moment;
  let ahead = aheadOfFirst;
  return answers.map((answer, i) => {
    if (typeof answer === 'string') return refusal(answer);
    if (typeof answer === 'number') {
      const { keyEntry } = joins[i] as Join;
      const entry = newEntry(keyEntry ?? (newIds[i] as string), answer, version);
      return { created: true, asOf: now, ahead: answer === 0 ? 0 : ahead++, epoch, entry };
    }
    const [created, aheadOfIt, id, entry] = answer;
    if (created === 1 && entry[2] === 'waiting') ahead += 1;
    return {
      created: created === 1,
      asOf: now,
      ahead: aheadOfIt,
      epoch,
      entry: { ...readEntry(entry), id, version },
    };
  });
}

/** A join as join.lua reads it, in one argument: each is a piece of text to write and to read, at every join. */
function argumentOf({ ticketEntry, keyEntry, otherKeyEntries, code }: Join, newId: string): string {
  if (ticketEntry === null && keyEntry === null && code === '') return newId;
  return `${newId},${ticketEntry ?? ''},${keyEntry ?? ''},${code},${otherKeyEntries?.join(' ') ?? ''}`;
}

/** A place that was just made; number 0 stands for the lobby. */
const newEntry = (id: string, number: number, version: number): Entry => ({
  id,
  state: number === 0 ? 'lobby' : 'waiting',
  queueNumber: number || null,
  claimBy: null,
  expiresAt: null,
  returning: false,
  admission: null,
  version,
});

function refusal(outcome: string): Problem {
  switch (outcome) {
    case 'no-sale':
      return unknownSale();
    case 'not-open':
      return new Problem('not-open', 'Nobody can join yet: neither the lobby nor the sale has opened.');
    case 'sale-ended':
      return new Problem('sale-ended', 'The sale has ended.');
    case 'restoring':
      return new Problem('unavailable', 'Places are being restored; new fans can join in a moment.', {
        retryAfterSeconds: RESTORING_RETRY_SECONDS,
      });
    case 'already-finished':
      return new Problem('already-finished', 'You have already finished shopping in this sale.');
    case 'code-missing':
      return new Problem('forbidden', 'This sale is for fans with an access code; there was none.', {
        cause: outcome,
      });
    case 'code-unknown':
      return new Problem('forbidden', 'This access code is not valid for this sale.', { cause: outcome });
    case 'code-taken':
      return new Problem('forbidden', 'This access code is in use already.', { cause: outcome });
    case 'code-worn':
      return new Problem('forbidden', 'This access code has been used too often.', { cause: outcome });
    default:
      throw new Error(`join.lua answered ${outcome}`);
  }
}

/** Frees a fan's place or room. Returns the entry's state from now on, or null for an entry that does not exist. */
export async function leavePlace(store: Store, sale: string, entry: string): Promise<string | null> {
  const reply = await leave(store, sale, [entry]);
  if (reply[0] === 'no-sale') throw lostSale();
  if (reply.length === 1) return null;
  const [state, number, moment] = reply;
  store.heard?.note(sale, moment, { number, state });
  return state;
}

/**
 * What became of an entry; asking is showing up. Null when Redis does not know it. All who ask while a call is under way
 * are looked up together in the next.
 */
export const lookUpEntry = (store: Store, sale: string, entry: string): Promise<Entry | null> =>
  carryLookUp(store, sale, entry);

async function lookUpTogether(store: Store, sale: string, entries: string[]): Promise<(Entry | null)[]> {
  const replies = await lookUp(store, sale, entries);
  if (replies[0] === 'no-sale') throw lostSale();
  return (replies as ('unknown' | EntryReply)[]).map((reply) =>
    reply === 'unknown' ? null : readEntry(reply),
  );
}
