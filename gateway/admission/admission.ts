import type { AdmissionClaims } from '#shared/admission-token.ts';
import { newId } from '#shared/ids.ts';
import { PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { ENTRY_VALUES, type Entry, type EntryReply, readEntry } from '../queue/entry.ts';
import { lostSale } from '../queue/watch.ts';
import { saleCarrier } from '../redis/carrier.ts';
import type { MomentReply } from '../redis/heard.ts';
import { type Store, saleScript } from '../redis/script.ts';
import type { SigningKeys } from './signing-keys.ts';

const claim = saleScript<[string] | [...EntryReply, MomentReply]>(new URL('./claim.lua', import.meta.url));
const check = saleScript<[AdmissionState, holdEndsMs: number, leftMs: number][]>(
  new URL('./check.lua', import.meta.url),
);
const holdEnds = saleScript<(0 | 1)[]>(new URL('./hold-ends.lua', import.meta.url));
const finish = saleScript<['no-sale'] | [state: string, number: number, MomentReply]>(
  new URL('./finish.lua', import.meta.url),
);

const claims = counter('admit_one_claims_total', 'Claims of turns of a sale, by what came of them.', [
  'sale',
  'outcome',
]);
const SHOP_FULL_RETRY_SECONDS = 2;
/** What shopping fans ask at one moment goes together; so many take Redis about two milliseconds. */
const TOGETHER = { atOnceMax: 50, waitingMax: 5_000 };

export type Admission = { token: string; expiresAt: number; entry: Entry };

/**
 * Claims a turn. The admission ends at a fixed moment; claiming again returns the same token, byte for byte, for what
 * goes into it is stored with the entry.
 *
 * Throws `not-your-turn`, `turn-missed`, `shop-full`, `sale-ended`, `already-finished`, `not-found`, `unavailable`.
 */
export async function claimTurn(
  store: Store,
  keys: SigningKeys,
  sale: string,
  entryId: string,
): Promise<Admission> {
  const reply = await claim(store, sale, [entryId, newId(), keys.signingKid, PAYMENT_EXTENSION_SECONDS]);
  claims.count(sale, reply[0] === 'entry' ? 'admitted' : reply[0]);
  if (reply[0] !== 'entry') throw refusal(reply[0]);
  const answer = reply as [...EntryReply, MomentReply];
  const entry = readEntry(answer);
  const { queueNumber, state } = entry;
  store.heard?.note(sale, answer[ENTRY_VALUES], { number: queueNumber ?? 0, state });
  return { token: await admissionToken(keys, sale, entry), expiresAt: entry.expiresAt as number, entry };
}

/** The token of an admitted entry. */
export function admissionToken(keys: SigningKeys, sale: string, entry: Entry): Promise<string> {
  if (!entry.admission) throw new Error(`entry ${entry.id} has no admission`);
  const { jti, kid, iatSeconds, expSeconds } = entry.admission;
  return keys.sign(kid, {
    sub: entry.id,
    ...(entry.queueNumber === null ? {} : { number: entry.queueNumber }),
    jti,
    sale,
    iat: iatSeconds,
    exp: expSeconds,
    ends: expSeconds - PAYMENT_EXTENSION_SECONDS,
  });
}

function refusal(outcome: string): Problem {
  switch (outcome) {
    case 'no-sale':
      return lostSale();
    case 'unknown':
    case 'not-your-turn':
      return new Problem('not-your-turn', 'It is not your turn yet.');
    case 'turn-missed':
      return new Problem('turn-missed', 'Your turn has passed.');
    case 'sale-ended':
      return new Problem('sale-ended', 'The sale has ended.');
    case 'already-finished':
      return new Problem('already-finished', 'You have already finished shopping in this sale.');
    case 'shop-full':
      return new Problem('shop-full', 'The shop is full for a moment. Your turn is kept.', {
        retryAfterSeconds: SHOP_FULL_RETRY_SECONDS,
      });
    default:
      throw new Error(`claim.lua answered ${outcome}`);
  }
}

/** `lost`: Redis does not know the sale at all. `early`: what became of the admission may be brought back in a moment. */
export type AdmissionState = 'live' | 'finished' | 'ended' | 'unknown' | 'lost' | 'early';

/** `holdEndsMs`: when the fan's last live hold was known to end, 0 for none; null when it could not be asked. `leftMs`: until its fixed end. */
export type AdmissionCheck = { state: AdmissionState; holdEndsMs: number | null; leftMs: number | null };

type CheckedClaims = Pick<AdmissionClaims, 'sub' | 'jti' | 'number' | 'iat' | 'exp' | 'ends'>;
type Asked = { claims: CheckedClaims; startsPayment: boolean };

const checks = saleCarrier<Asked, AdmissionCheck>(
  async (store, sale, asked) => {
    const args = asked.flatMap(({ claims, startsPayment }) => [
      claims.sub,
      claims.jti,
      startsPayment ? PAYMENT_EXTENSION_SECONDS : 0,
      claims.number ?? 0,
      claims.iat,
      claims.exp,
      claims.ends,
    ]);
    const answers = await check(store, sale, args);
    return answers.map(([state, holdEndsMs, leftMs]) => ({ state, holdEndsMs, leftMs }));
  },
  { what: 'admission-checks', ...TOGETHER },
);

/**
 * Whether the admission of a verified token may act now; one that Redis has lost is brought back by its token. With
 * `startsPayment` it will outlast a payment under way.
 */
export const checkAdmission = (
  store: Store,
  claims: CheckedClaims & { sale: string },
  { startsPayment }: { startsPayment: boolean },
): Promise<AdmissionCheck> => checks(store, claims.sale, { claims, startsPayment });

type HoldReport = { sub: string; jti: string; holdEndsMs: number };

const reports = saleCarrier<HoldReport, 0 | 1>(
  (store, sale, told) =>
    holdEnds(
      store,
      sale,
      told.flatMap(({ sub, jti, holdEndsMs }) => [sub, jti, holdEndsMs]),
    ),
  { what: 'hold-reports', ...TOGETHER },
);

/** The booking service reported the end of the fan's last live hold (epoch milliseconds, 0 for none). */
export const noteHoldEnds = (
  store: Store,
  { sale, sub, jti }: { sale: string; sub: string; jti: string },
  holdEndsMs: number,
): Promise<0 | 1> => reports(store, sale, { sub, jti, holdEndsMs });

/**
 * An order was completed; returns the entry's state from now on, or null for an unknown sale. Idempotent. `token`: what
 * the admission's token says, so that an entry that Redis has lost takes its own number, and no room besides.
 */
export async function finishAdmission(
  store: Store,
  sale: string,
  entry: string,
  order: string,
  token: Partial<Pick<AdmissionClaims, 'number' | 'iat'>> = {},
): Promise<string | null> {
  const args = [entry, order, token.number ?? 0, token.iat ?? 0];
  const reply = await finish(store, sale, args);
  if (reply.length === 1) return null;
  const [state, number, moment] = reply;
  store.heard?.note(sale, moment, { number, state });
  return state;
}
