import { internalHeaders } from '#shared/internal.ts';
import { findEvent } from '../catalogue/event.ts';
import type { Db } from '../db/client.ts';
import { releaseHoldsOfFan } from '../hold/release.ts';
import { orderConfirmedMail } from '../mail/order-confirmed.ts';
import type { MailTransport } from '../mail/transport.ts';
import type { Deliverer } from '../outbox/deliver.ts';
import { readOrders, type StoredOrder } from './read-orders.ts';

const GATEWAY_TIMEOUT_MS = 5_000;

const requireOrder = async (db: Db, id: string): Promise<StoredOrder> => {
  const [order] = await readOrders(db, { order: id });
  if (!order) throw new Error(`There is no order ${id}.`);
  return order;
};

/** Mails the tickets. The mail is made from the order each time, so every delivery carries the same tickets. */
export const mailsConfirmedOrder =
  (db: Db, mail: MailTransport): Deliverer =>
  async (message) => {
    const order = await requireOrder(db, message.order);
    const event = await findEvent(db, order.event);
    if (!event) throw new Error(`There is no event ${order.event}.`);
    await mail.send(orderConfirmedMail(message.id, event, order));
  };

/**
 * Tells the gateway that an order has finished its fan's admission, in case the answer that said so was lost, and gives
 * back what the fan held besides.
 */
export const finishesAdmission =
  (db: Db, gateway: { url: string; internalSecret: string }): Deliverer =>
  async (message) => {
    const { order, sale, fan } = await requireOrder(db, message.order);
    await releaseHoldsOfFan(db, { sale, fan });
    const path = `/internal/sales/${encodeURIComponent(sale)}/entries/${encodeURIComponent(fan)}/finish`;
    const response = await fetch(new URL(path, gateway.url), {
      method: 'POST',
      headers: { [internalHeaders.key]: gateway.internalSecret, 'content-type': 'application/json' },
      body: JSON.stringify({ order }),
      signal: AbortSignal.timeout(GATEWAY_TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The gateway answered ${response.status} to a finished admission.`);
  };
