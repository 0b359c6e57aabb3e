import { decodeJwt } from 'jose';
import { judgeDeeds } from './deeds.ts';
import { historiesOf } from './digest.ts';
import { isDisturbed } from './disturbance.ts';
import { type Evidence, say } from './evidence.ts';
import { judgeHolds } from './holds.ts';
import { judgeOrders, type ToldOrder } from './orders.ts';
import { type Judgement, judgeFans, type PromiseName } from './promises.ts';
import type { Asked } from './recorder.ts';
import { judgeTaken } from './taken.ts';

/** What a fan waits for an answer at most while nothing is away; a slow card takes its own time besides. */
export const ANSWER_MS_MAX = 3_000;
const SLOW_PAYMENT_MS = 2_500;

/** Holds what was answered against itself and against what is in the books when all has come to its end. */
export function judge(evidence: Evidence): Judgement {
  const { asked, books } = evidence;
  const fans = historiesOf(evidence).map(judgeFans);
  const of = (name: PromiseName) => fans.flatMap((judged) => judged[name] ?? []);
  return {
    oversold: of('oversold'),
    overtaken: of('overtaken'),
    'over-capacity': of('over-capacity'),
    'position-rises': of('position-rises'),
    'place-lost': of('place-lost'),
    'lost-order': judgeOrders({
      told: toldOrders(asked),
      orders: books.orders,
      refundsAsked: refunds(asked),
    }),
    'lost-mail': [...judgeMails(evidence)],
    'lost-hold': [...judgeHolds(evidence)],
    'lost-deed': [...judgeDeeds(evidence)],
    'falsely-taken': [...judgeTaken(evidence)],
    'token-refused': [...judgeTokens(evidence)],
    'server-error': asked
      .filter(({ status }) => status >= 500 && status !== 503)
      .map((each) => `A 5xx that is not 503: ${say(each)}`),
  };
}

/** Whoever was left without an answer and had not gone: a fault only where no service and no way to one was away. */
export const unanswered = (asked: readonly Asked[]): string[] =>
  asked.flatMap((each) => (each.broken ? [`No answer: ${say(each)}: ${each.broken}`] : []));

const paysSlowly = ({ json }: Asked): boolean =>
  (json as { payment?: { token?: string } } | undefined)?.payment?.token === 'tok_slow';
export const answerMsMax = (asked: Asked): number =>
  ANSWER_MS_MAX + (paysSlowly(asked) ? SLOW_PAYMENT_MS : 0);

/**
 * Whoever waited too long while all services were up. A store that is away is no excuse, but for payments: the
 * provider's answers come out of the same database here.
 */
export function tooLate({ asked, disturbances }: Pick<Evidence, 'asked' | 'disturbances'>): string[] {
  const ofServices = disturbances.filter(({ of }) => of === 'services');
  return asked
    .filter((each) => each.tookMs > answerMsMax(each))
    .filter((each) => !isDisturbed(each, each.op.startsWith('order') ? disturbances : ofServices))
    .map((each) => `Too late: ${say(each)}`);
}

/** Orders that somebody has asked to refund. */
const refunds = (asked: readonly Asked[]): Set<string> =>
  new Set(asked.filter(({ op }) => op === 'refund').map(({ url }) => String(url.split('/').at(-2))));

function toldOrders(asked: readonly Asked[]): ToldOrder[] {
  return asked
    .filter(({ op }) => op === 'order' || op === 'order, answered later')
    .map((each) => {
      const { sale, who, key = '', body, status, outcome, code } = each;
      const tickets = body.tickets as { code: string; seat: string }[] | undefined;
      const isBought = status === 201;
      return {
        ...{ sale, who, key, isBought, order: body.order === undefined ? null : String(body.order) },
        isRefused: outcome === 'refused' && code !== 'in-progress',
        codes: isBought ? (tickets ?? []).map((ticket) => ticket.code) : null,
        seats: isBought ? (tickets ?? []).map((ticket) => ticket.seat) : null,
        amount: isBought ? (body.total as { amount: number }).amount : null,
        said: say(each),
      };
    });
}

/** What the books call sent has arrived; of tickets that are void by then there is nothing to send. */
function* judgeMails({ books }: Evidence) {
  for (const { id, kind, order, hasArrived } of books.mails) {
    const isVoid = kind === 'order-confirmed-mail' && books.orders.get(order)?.state === 'refunded';
    if (!hasArrived && !isVoid) yield `Sent and not arrived: ${kind} ${id} of order ${order}`;
  }
}

/** A fan shops with a token of their own; it is good until its time is over, through rotations and losses of Redis. */
function* judgeTokens({ asked }: Evidence) {
  for (const each of asked) {
    if (each.code !== 'token-invalid' || each.who === 'organiser' || !each.token.includes('.')) continue;
    const { exp = 0 } = decodeJwt(each.token);
    if (exp * 1_000 > each.sentAt + each.tookMs) yield `Called invalid before its time: ${say(each)}`;
  }
}
