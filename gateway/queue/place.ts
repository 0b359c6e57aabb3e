import { newId } from '#shared/ids.ts';
import { Problem } from '#shared/problem.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { type Store, saleScript } from '../redis/script.ts';
import { ACCESS_CODE_OPENINGS_PER_USE, digestOfCode } from './access-code.ts';
import { type Entry, type EntryReply, readEntry } from './entry.ts';
import { unknownSale } from './watch.ts';

const join = saleScript<[string] | [created: 0 | 1, ahead: number, entry: EntryReply]>(
  new URL('./join.lua', import.meta.url),
);
const leave = saleScript<[string]>(new URL('./leave.lua', import.meta.url));
const lookUp = saleScript<[string] | EntryReply>(new URL('./look-up.lua', import.meta.url));

export type Place = { created: boolean; ahead: number; entry: Entry };

/**
 * Gives a fan a place in the queue, or the one they have: recognised by the id in their queue ticket, else by the id
 * derived from their idempotency key. Repeating a join whose answer was lost is therefore harmless.
 *
 * A new place of a sale with access codes takes one use of `accessCode`; the place one has takes none.
 *
 * Throws `not-found`, `not-open`, `sale-ended`, `already-finished`, `forbidden`, `unavailable`.
 */
export async function takePlace(
  store: Store,
  sale: string,
  known: { ticketEntry: string | null; keyEntry: string | null },
  accessCode: string | null = null,
): Promise<Place> {
  const code = accessCode === null ? '' : digestOfCode(sale, accessCode);
  const args = [known.ticketEntry ?? '', known.keyEntry ?? '', newId(), code, ACCESS_CODE_OPENINGS_PER_USE];
  let reply = await join(store, sale, args);
  if (reply[0] === 'freeze') {
    await freezeLobby(store, sale);
    reply = await join(store, sale, args);
  }
  const [created, ahead, entry] = reply;
  if (typeof created === 'string' || entry === undefined) throw refusal(String(created));
  return { created: created === 1, ahead: ahead as number, entry: readEntry(entry) };
}

function refusal(outcome: string): Problem {
  switch (outcome) {
    case 'no-sale':
      return unknownSale();
    case 'not-open':
      return new Problem('not-open', 'Nobody can join yet: neither the lobby nor the sale has opened.');
    case 'sale-ended':
      return new Problem('sale-ended', 'The sale has ended.');
    case 'already-finished':
      return new Problem('already-finished', 'You have already finished shopping in this sale.');
    case 'code-missing':
      return new Problem('forbidden', 'This sale is for fans with an access code; there was none.');
    case 'code-unknown':
      return new Problem('forbidden', 'This access code is not valid for this sale.');
    case 'code-taken':
      return new Problem('forbidden', 'This access code is in use already.');
    case 'code-worn':
      return new Problem('forbidden', 'This access code has been used too often.');
    default:
      throw new Error(`join.lua answered ${outcome}`);
  }
}

/** Frees a fan's place or room. Returns the entry's state from now on, or null for an entry that does not exist. */
export async function leavePlace(store: Store, sale: string, entry: string): Promise<string | null> {
  const [state] = await leave(store, sale, [entry]);
  if (state === 'no-sale') throw unknownSale();
  return state === 'unknown' ? null : state;
}

/** What became of an entry; asking is showing up. Null when Redis does not know it. */
export async function lookUpEntry(store: Store, sale: string, entry: string): Promise<Entry | null> {
  const reply = await lookUp(store, sale, [entry]);
  if (reply[0] === 'no-sale') throw unknownSale();
  return reply[0] === 'unknown' ? null : readEntry(reply as EntryReply);
}
