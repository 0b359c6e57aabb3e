import { type Context, Hono } from 'hono';
import { OrderRequest, type OrderTakenAnswer } from '#shared/contract/booking.ts';
import { newSecretId } from '#shared/ids.ts';
import { HOLDS_END_UNKNOWN, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { readJson } from '#shared/json-body.ts';
import type { Log } from '#shared/log.ts';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { requestIdIn } from '#shared/request-id.ts';
import type { Fan, FanEnv } from '../caller/fan.ts';
import { requestDigest, requiredIdempotencyKey } from '../caller/idempotency-key.ts';
import { noSuch, pathId } from '../caller/path-id.ts';
import { prefersRespondAsync } from '../caller/prefer.ts';
import { holdsOfFanEnd } from '../hold/read-holds.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { type AnswerTime, createAnswerTime } from './answer-time.ts';
import type { OrderAttempt } from './begin.ts';
import { emailKey } from './email-key.ts';
import { confirmedUnread, placeOrder, takeOrder } from './place.ts';
import { orderAnswer, orderCreatedAnswer, readOrder, readOrders } from './read-orders.ts';
import type { Till } from './settle.ts';

/** The way of an order that nobody waits for. */
export type ToWorker = {
  /** Whether the worker has as many orders before it as it may. */
  isFull: () => Promise<boolean>;
  /** Tells the worker of an order that is in the books, and whose request it was. Nobody waits for it and it never fails. */
  put: (order: string, requestId: string) => void;
};

const orders = counter(
  'admit_one_orders_total',
  'Orders that were asked for: confirmed, accepted (the worker books them), or why not.',
  ['outcome'],
);

type Dependencies = { till: Till; toWorker: ToWorker; inventory: Inventory; wakeWorker: () => void };

export function orderRoutes({ till, toWorker, inventory, wakeWorker }: Dependencies): Hono<FanEnv> {
  const { db } = till;

  /**
   * A payment that began has moved the hold's end, whether or not it came to anything. Where nobody can say to when, the gateway
   * is told that: saying nothing would be the word that no hold was touched.
   */
  const noteHoldsEnd = async (c: Context<FanEnv>, log: Log, answerTime: AnswerTime): Promise<void> => {
    const of = { sale: c.var.sale.definition.sale, fan: c.var.fan.id };
    try {
      const end = await holdsOfFanEnd(db, of, { deadlineMs: answerTime.untilMs() });
      c.set('holdsEndMs', end?.getTime() ?? 0);
    } catch (error) {
      log.warn({ err: error }, 'the holds are not known');
      c.set('holdsEndMs', HOLDS_END_UNKNOWN);
    }
  };

  return new Hono<FanEnv>()
    .post('/orders', async (c) => {
      const key = requiredIdempotencyKey(c);
      const request = await readJson(c, OrderRequest);
      const answerTime = createAnswerTime();
      // Each line about this order says whose request it was.
      const log = till.log.child({ requestId: requestIdIn(c) });
      const ownTill = { ...till, log };
      const note = () => noteHoldsEnd(c, log, answerTime);
      try {
        const attempt = orderAttempt(c.var, key, request);
        if (prefersRespondAsync(c.req.header('prefer'))) {
          const taken = await takeOrder(ownTill, attempt, await toWorker.isFull(), answerTime);
          if (taken.isNew) toWorker.put(taken.order, requestIdIn(c));
          if (taken.state === 'inProgress') {
            await note();
            orders.count('accepted');
            log.info({ order: taken.order }, 'an order was accepted');
            return accepted(c, taken.order);
          }
        }
        // What has ended is answered as ever.
        const order = await placeOrder(ownTill, attempt, answerTime);
        // Whoever has bought has finished, whatever they hold besides: that is not asked.
        c.set('order', order);
        orders.count('confirmed');
        log.info({ order }, 'an order was confirmed');
        return await created(c, till, order, answerTime);
      } catch (error) {
        if (!c.var.order) orders.count(error instanceof Problem ? error.code : 'unavailable');
        // A database that has just not answered is not asked again before the fan is.
        if (error instanceof Problem && error.code !== 'unavailable' && !c.var.order) await note();
        throw error;
      } finally {
        wakeWorker();
        void inventory.refresh();
      }
    })
    .get('/orders', async (c) => {
      const { fan, sale } = c.var;
      const found = await readOrders(db, { sale: sale.definition.sale, fan: fan.id });
      return c.json({ orders: found.map((order) => orderAnswer(sale.event, order)) });
    })
    .get('/orders/:order', async (c) => {
      const { fan, sale } = c.var;
      const order = await readOrder(db, pathId(c, 'order'));
      if (!order || order.fan !== fan.id || order.sale !== sale.definition.sale) throw noSuch('order');
      // Perhaps the answer that said so was lost on its way.
      if (order.state === 'confirmed') c.set('order', order.order);
      return c.json(orderAnswer(sale.event, order));
    });
}

const orderPath = (c: Context<FanEnv>, order: string): string =>
  `/api/sales/${c.var.sale.definition.sale}/orders/${order}`;

/** RFC 7240 §4.1: the outcome can be asked for at the location. */
function accepted(c: Context<FanEnv>, order: string): Response {
  c.header('location', orderPath(c, order));
  c.header('preference-applied', 'respond-async');
  const answer: OrderTakenAnswer = { order, state: 'inProgress' };
  return c.json(answer, 202);
}

async function created(
  c: Context<FanEnv>,
  { db }: Till,
  order: string,
  answerTime: AnswerTime,
): Promise<Response> {
  const { event } = c.var.sale;
  const location = orderPath(c, order);
  const stored = await readOrder(db, order, { deadlineMs: answerTime.untilMs() }).catch((error) => {
    // Whoever has bought is not told that the shop is away.
    throw error instanceof Problem && error.code === 'unavailable' ? confirmedUnread(order, location) : error;
  });
  if (!stored) throw new Error(`Order ${order} was placed and is not there.`);
  c.header('location', location);
  return c.json(orderCreatedAnswer(event, stored), 201);
}

const orderAttempt = (
  { fan, sale: { definition, event } }: Pick<FanEnv['Variables'], 'fan' | 'sale'>,
  idempotencyKey: string,
  request: OrderRequest,
): OrderAttempt => ({
  order: newSecretId(),
  sale: definition.sale,
  event: event.id,
  fan: fan.id,
  admission: fan.admission,
  token: fan.token,
  idempotencyKey,
  requestDigest: requestDigest(request),
  request,
  emailKey: emailKey(request.buyer.email),
  currency: event.currency,
  mayBegin: fan.isLive,
  paymentMs: paymentMs(fan),
  seatsPerFan: definition.seatsPerFan,
});

/** A payment may take PAYMENT_EXTENSION_SECONDS from now, but no longer than that behind the admission's end. */
function paymentMs(fan: Fan): number {
  const extensionMs = PAYMENT_EXTENSION_SECONDS * 1000;
  return Math.max(0, Math.min(extensionMs, fan.leftMs + extensionMs));
}
