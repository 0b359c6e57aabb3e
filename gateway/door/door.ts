import type { AdmissionClaims, AdmissionTokenVerifier } from '#shared/admission-token.ts';
import { HOLDS_END_UNKNOWN, internalHeaders } from '#shared/internal.ts';
import type { Log } from '#shared/log.ts';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { createRecent } from '#shared/recent.ts';
import { REQUEST_ID } from '#shared/request-id.ts';
import {
  type AdmissionCheck,
  type AdmissionState,
  checkAdmission,
  finishAdmission,
  noteHoldEnds,
} from '../admission/admission.ts';
import type { BookingAnswer, BookingClient, BookingRequest } from '../booking/client.ts';
import { countHit } from '../limits/hit.ts';
import type { Store } from '../redis/script.ts';
import { sendHoldsTogether } from './holds-together.ts';
import type { Pulse } from './pulse.ts';
import { type DoorRoute, targetPath } from './route-table.ts';
import { shareReads } from './shared-reads.ts';

/** How long a read may go by an earlier check of the same admission. */
const CHECK_AGE_MS_MAX = 1_000;
const CHECKS_KEPT = 50_000;
/** As long as most admissions last. What one buys after that, without Redis, the booking service still bounds by its `jti`. */
const OVER_KEPT_MS = 10 * 60_000;
/** Of one admission: more than any browser sends at once, and too few to fill the way to the shop. */
const REQUESTS_PER_ADMISSION_MAX = 60;
const CROWDED_RETRY_SECONDS = 1;
const EARLY_RETRY_SECONDS = 2;
/** A shop that takes longer is under strain; a payment waits for its provider too. */
const SLOW_HOLD_MS = 1_500;
const SLOW_PAYMENT_MS = 5_000;

/** The only headers that pass, in either direction. */
const requestHeaders = [
  'accept',
  'accept-encoding',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'prefer',
];
const answerHeaders = [
  'cache-control',
  'content-encoding',
  'content-type',
  'etag',
  'location',
  'preference-applied',
  'retry-after',
  'vary',
];

const refusals = counter(
  'admit_one_door_refusals_total',
  'Requests that the door did not let in, by problem.',
  ['code'],
);
const judgedByToken = counter(
  'admit_one_door_judged_by_token_total',
  'Requests that were let in without Redis, on their token alone.',
);

export type DoorRequest = {
  route: DoorRoute;
  params: Record<string, string> & { sale: string };
  /** The admission token, from wherever the request carried it. */
  token: string | null;
  /** What it says, for whoever has just had it verified. */
  claims?: AdmissionClaims;
  query?: URLSearchParams;
  header: (name: string) => string | undefined;
  /** By which the booking service is told what this is part of. */
  requestId: string;
  body: Uint8Array | string | null;
};

/** `headers`: of this answer alone; whoever passes it on may add to them. */
export type DoorAnswer = { status: number; headers: Record<string, string>; body: Buffer };

/** Lets admitted fans through to the booking service, and nobody and nothing else. */
export type Door = {
  pass: (request: DoorRequest) => Promise<DoorAnswer>;
  /** Requests that the booking service has not answered yet, payments among them. */
  underWay: () => { requests: number; payments: number };
  /** Whether so many payments are under way here that a page had better not wait for one more. */
  isTillCrowded: () => boolean;
};

export function createDoor(options: {
  store: Store;
  booking: BookingClient;
  verify: AdmissionTokenVerifier;
  /** Payments under way from which the till is crowded. */
  asyncOrdersFrom: number;
  pulse: Pulse;
  /** Counts a request of an admission, by its jti; throws when there were too many. */
  count: (what: 'requests', jti: string) => void;
  log: Log;
  /** Milliseconds from any beginning, by which checks grow old. */
  clock?: () => number;
}): Door {
  const { store, verify, asyncOrdersFrom, pulse, count, log } = options;
  const { clock = () => performance.now() } = options;
  const booking = sendHoldsTogether(options.booking);
  const askForAll = shareReads(booking);
  let requestsUnderWay = 0;
  let paymentsUnderWay = 0;
  const checks = createRecent<{ check: AdmissionCheck; at: number }>({
    keysKept: CHECKS_KEPT,
    keptMs: CHECK_AGE_MS_MAX,
  });
  /** Admissions that are over, and as what: known for longer than the checks. */
  const over = createRecent<AdmissionState>({ keysKept: CHECKS_KEPT, keptMs: OVER_KEPT_MS });
  const underWay = new Map<string, number>();

  const admissionOf = async (
    route: DoorRoute,
    claims: AdmissionClaims,
    requestId: string,
  ): Promise<AdmissionCheck> => {
    const known = checks.get(claims.jti);
    if (!route.writes && known && clock() - known.at < CHECK_AGE_MS_MAX) return known.check;
    let check: AdmissionCheck;
    try {
      check = await checkAdmission(store, claims, { startsPayment: route.startsPayment });
      if (check.state === 'lost') throw new Error(`Redis does not know the sale ${claims.sale} any more`);
    } catch (error) {
      // While Redis is away admitted fans keep shopping on their token alone; the booking service bounds what it buys.
      judgedByToken.count();
      log.warn({ err: error, requestId }, 'an admission was judged by its token alone');
      // Another request may have found out meanwhile.
      return { state: over.get(claims.jti) ?? 'live', holdEndsMs: null, leftMs: null };
    }
    if (check.state === 'early') return early(route, over.get(claims.jti));
    // Redis was asked before an order was answered, or could not be told of it: whoever has bought does not come back.
    if (check.state === 'live' && over.get(claims.jti) === 'finished')
      check = { ...check, state: 'finished' };
    remember(claims.jti, check);
    return check;
  };

  const remember = (jti: string, check: AdmissionCheck): void => {
    const now = clock();
    checks.set(jti, { check, at: now }, now);
    if (check.state === 'live') over.delete(jti);
    else over.set(jti, check.state, now);
  };

  /**
   * What the booking service reports to the gateway, applied; the fan's answer does not depend on it. Reads report
   * nothing: what they saw may be older than a payment that has begun since.
   */
  const applyReport = async (
    route: DoorRoute,
    claims: AdmissionClaims,
    known: number | null,
    answer: BookingAnswer,
    requestId: string,
  ): Promise<void> => {
    if (!route.writes) return;
    const order = answer.headers[internalHeaders.order];
    const reported = answer.headers[internalHeaders.holdEnds];
    // A payment may go on of which nobody can say until when, or of which a proxy says that nobody answered: its time stays
    // extended.
    const isUnknown = reported === HOLDS_END_UNKNOWN || (answer.status >= 500 && reported === undefined);
    if (isUnknown && order === undefined) return;
    // An attempt to pay that was refused before it touched a hold reports none: what was known counts again.
    const holdEnds = typeof reported === 'string' ? Number(reported) : known;
    const changed = holdEnds !== null && (route.startsPayment || holdEnds !== known);
    try {
      if (typeof order === 'string') {
        // Whoever has bought and looks at the shop again is told so at once, whether or not Redis can be.
        remember(claims.jti, { state: 'finished', holdEndsMs: null, leftMs: null });
        await finishAdmission(store, claims.sale, claims.sub, order, claims);
      } else if (changed) await noteHoldEnds(store, claims, holdEnds);
    } catch (error) {
      // A completed order is reported again through the outbox; a hold's end with the fan's next request.
      log.warn({ err: error, requestId }, 'a report of the booking service could not be applied');
    }
  };

  /** One admission cannot fill the way for everybody else, nor make the shop look as if it were under strain. */
  const oneOfItsOwn = async <Answer>(jti: string, work: () => Promise<Answer>): Promise<Answer> => {
    const others = underWay.get(jti) ?? 0;
    if (others >= REQUESTS_PER_ADMISSION_MAX) {
      countHit('admission');
      throw new Problem('rate-limited', 'Too many requests of this admission are under way.', {
        retryAfterSeconds: CROWDED_RETRY_SECONDS,
      });
    }
    underWay.set(jti, others + 1);
    requestsUnderWay += 1;
    try {
      return await work();
    } finally {
      requestsUnderWay -= 1;
      const left = (underWay.get(jti) as number) - 1;
      if (left === 0) underWay.delete(jti);
      else underWay.set(jti, left);
    }
  };

  /** Counted, so that the till knows how crowded it is. */
  const ask = async (
    route: DoorRoute,
    request: BookingRequest,
    { jti }: AdmissionClaims,
  ): Promise<BookingAnswer> => {
    if (route.sameForAll) return askForAll(request, jti);
    if (!route.startsPayment) return booking.request(request);
    paymentsUnderWay += 1;
    try {
      return await booking.request(request);
    } finally {
      paymentsUnderWay -= 1;
    }
  };

  /** Holds and orders are what the organiser wants to see the pulse of; reads are answered from memory. */
  const timed = async (
    sale: string,
    route: DoorRoute,
    request: () => Promise<BookingAnswer>,
  ): Promise<BookingAnswer> => {
    if (route.method !== 'POST') return request();
    const startedAt = performance.now();
    let failed = true;
    try {
      const answer = await request();
      failed = answer.status >= 500;
      return answer;
    } catch (error) {
      failed = !(error instanceof Problem) || error.status >= 500;
      throw error;
    } finally {
      const tookMs = performance.now() - startedAt;
      pulse.note(sale, tookMs, {
        failed,
        slow: tookMs > (route.startsPayment ? SLOW_PAYMENT_MS : SLOW_HOLD_MS),
      });
    }
  };

  /** Who asks, and how they may; throws for whoever may not. */
  const letIn = async ({ route, params, token, claims: known, requestId }: DoorRequest) => {
    try {
      if (token === null) throw new Problem('gate-required', 'Only admitted fans can enter the shop.');
      const claims = known ?? (await verify(token));
      if (claims.sale !== params.sale)
        throw new Problem('token-invalid', 'The admission token is of another sale.');
      count('requests', claims.jti);
      const path = targetPath(route, params);
      if (path === null) throw new Problem('not-found', 'There is nothing at this address.');
      const check = await admissionOf(route, claims, requestId);
      return { token, claims, path, check, admission: admit(route, check.state) };
    } catch (error) {
      refusals.count(error instanceof Problem ? error.code : 'unavailable');
      throw error;
    }
  };

  return {
    underWay: () => ({ requests: requestsUnderWay, payments: paymentsUnderWay }),
    isTillCrowded: () => paymentsUnderWay >= asyncOrdersFrom,
    async pass(asked) {
      const { route, query, header, body, requestId } = asked;
      const { token, claims, path, check, admission } = await letIn(asked);
      const search = query && query.size > 0 ? `?${query}` : '';
      // One object to which each is added: spread into one another they take two microseconds, at every request.
      const headers = passing(requestHeaders, header);
      headers.authorization = `Bearer ${token}`;
      headers[REQUEST_ID] = requestId;
      headers[internalHeaders.admission] = admission;
      if (admission === 'live' && check.leftMs !== null) headers[internalHeaders.left] = String(check.leftMs);
      const request: BookingRequest = {
        lane: route.startsPayment ? 'payment' : 'shop',
        method: route.method,
        path: `${path}${search}`,
        headers,
        body,
      };
      const answer = await oneOfItsOwn(claims.jti, () =>
        timed(claims.sale, route, () => ask(route, request, claims)),
      );
      const applied = applyReport(route, claims, check.holdEndsMs, answer, requestId);
      // A Redis that has just not answered is not waited for once more.
      if (check.leftMs !== null) await applied;
      if (route.startsPayment)
        log.info({ requestId, sale: claims.sale, status: answer.status }, 'an order was passed on');
      if (isUnheard(answer.status))
        throw new Problem('unavailable', 'The shop is not available for a moment.');
      const told = passing(answerHeaders, (name) => answer.headers[name]?.toString());
      // What a fan holds and has bought is nobody else's, also behind a cache that keeps what says nothing of it.
      told['cache-control'] ??= 'no-store';
      return { status: answer.status, headers: told, body: answer.body };
    },
  };
}

/**
 * While Redis does not know yet whether the admission has ended: it may look, and has to wait for a moment with the rest,
 * unless this gateway knows it.
 */
function early({ writes }: DoorRoute, over: AdmissionState | undefined): AdmissionCheck {
  if (over) return { state: over, holdEndsMs: null, leftMs: null };
  if (writes)
    throw new Problem('unavailable', 'The queue is being brought back. Please try again in a moment.', {
      retryAfterSeconds: EARLY_RETRY_SECONDS,
    });
  return { state: 'live', holdEndsMs: null, leftMs: null };
}

/** How the admission may act on this route; throws when it may not at all. */
function admit(route: DoorRoute, state: AdmissionState): 'live' | 'finished' {
  if (state === 'live') return 'live';
  if (route.afterwards === 'read') return 'finished';
  if (route.afterwards === 'replay' && state !== 'unknown') return 'finished';
  if (state === 'finished') throw new Problem('already-finished', 'You have finished shopping in this sale.');
  if (state === 'ended') throw new Problem('gate-required', 'Your time in the shop is over.');
  throw new Problem('token-invalid', 'This admission is not known.');
}

/** The contract knows no other 5xx than 503. */
const isUnheard = (status: number): boolean => status >= 500 && status !== 503;

function passing(names: string[], value: (name: string) => string | undefined): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of names) {
    const given = value(name);
    if (given !== undefined) passed[name] = given;
  }
  return passed;
}
