import { internalHeaders } from '#shared/internal.ts';
import { secretsOf } from '#shared/secrets.ts';
import { type Event, findEvent } from '../catalogue/event.ts';
import type { Db } from '../db/client.ts';
import { heldForOrder } from '../hold/read-holds.ts';
import { releaseHoldsOfFan } from '../hold/release.ts';
import { orderConfirmedMail } from '../mail/order-confirmed.ts';
import { orderFailedMail } from '../mail/order-failed.ts';
import { orderRefundedMail } from '../mail/order-refunded.ts';
import type { MailTransport } from '../mail/transport.ts';
import type { Deliverer } from '../outbox/deliver.ts';
import { type Owed, readOwed } from './end.ts';
import { ERASED_EMAIL } from './erased.ts';
import { readOrder, type StoredOrder } from './read-orders.ts';
import { payOff, type Till } from './settle.ts';

const GATEWAY_TIMEOUT_MS = 5_000;

const requireOrder = async (db: Db, id: string): Promise<StoredOrder> => {
  const order = await readOrder(db, id);
  if (!order) throw new Error(`There is no order ${id}.`);
  return order;
};

/** Whom no mail reaches: the buyer of an order was erased while it waited (infra/privacy). */
const isErased = (order: StoredOrder): boolean => order.buyerEmail === ERASED_EMAIL;

const requireEvent = async (db: Db, id: string): Promise<Event> => {
  const event = await findEvent(db, id);
  if (!event) throw new Error(`There is no event ${id}.`);
  return event;
};

/**
 * Mails the tickets. The mail is made from the order each time, so every delivery carries the same tickets. When the order
 * has been refunded meanwhile, its tickets are void and their mail has nothing to say.
 */
export const mailsConfirmedOrder =
  (db: Db, mail: MailTransport, publicUrl: string): Deliverer =>
  async (message) => {
    const order = await requireOrder(db, message.order);
    if (order.state === 'refunded' || isErased(order)) return;
    const path = `/sales/${encodeURIComponent(order.sale)}/orders/${encodeURIComponent(order.order)}`;
    const orderUrl = new URL(path, publicUrl).href;
    const event = await requireEvent(db, order.event);
    await mail.send(orderConfirmedMail(message.id, event, { ...order, orderUrl }));
  };

/** Tells the buyer of an order that was not waited for that it failed, and whether the seats are still held. */
export const mailsFailedOrder =
  (db: Db, mail: MailTransport, publicUrl: string): Deliverer =>
  async (message) => {
    const order = await requireOrder(db, message.order);
    if (isErased(order)) return;
    const event = await requireEvent(db, order.event);
    const heldUntil = await heldForOrder(db, order.order);
    const shopUrl = new URL(`/sales/${encodeURIComponent(order.sale)}/seats`, publicUrl).href;
    await mail.send(orderFailedMail(message.id, event, { ...order, heldUntil, shopUrl }));
  };

/** Tells the buyer of a refund. */
export const mailsRefundedOrder =
  (db: Db, mail: MailTransport): Deliverer =>
  async (message) => {
    const order = await requireOrder(db, message.order);
    if (isErased(order)) return;
    await mail.send(orderRefundedMail(message.id, await requireEvent(db, order.event), order));
  };

/** Tells the payment provider what is still owed to it; by now that may be nothing, or something else by another message. */
const tellsProvider =
  (till: Pick<Till, 'db' | 'payments'>, owed: Owed): Deliverer =>
  async ({ order }) => {
    if ((await readOwed(till.db, order)) === owed) await payOff(till, order, owed);
  };

export const paymentDeliverers = (till: Pick<Till, 'db' | 'payments'>) => ({
  'payment-capture': tellsProvider(till, 'captureDue'),
  'payment-cancellation': tellsProvider(till, 'cancelDue'),
  'payment-refund': tellsProvider(till, 'refundDue'),
});

/**
 * Tells the gateway that an order has finished its fan's admission, in case the answer that said so was lost, and gives
 * back what the fan held besides.
 */
export const finishesAdmission =
  (db: Db, gateway: { url: string; internalSecret: string }): Deliverer =>
  async (message) => {
    const [key] = secretsOf(gateway.internalSecret);
    const { order, sale, fan, token } = await requireOrder(db, message.order);
    await releaseHoldsOfFan(db, { sale, fan });
    const path = `/internal/sales/${encodeURIComponent(sale)}/entries/${encodeURIComponent(fan)}/finish`;
    const response = await fetch(new URL(path, gateway.url), {
      method: 'POST',
      headers: { [internalHeaders.key]: key, 'content-type': 'application/json' },
      body: JSON.stringify({ order, ...(token && { token }) }),
      signal: AbortSignal.timeout(GATEWAY_TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The gateway answered ${response.status} to a finished admission.`);
  };
