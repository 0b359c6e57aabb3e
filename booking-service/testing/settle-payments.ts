import { paymentDeliverers } from '../order/deliverers.ts';
import { reconcileOrders } from '../order/reconcile.ts';
import type { Till } from '../order/settle.ts';
import { defaultPatience, deliverNext } from '../outbox/deliver.ts';

const silent = async (): Promise<void> => undefined;
const mails = { 'order-confirmed-mail': silent, 'order-failed-mail': silent, 'order-refunded-mail': silent };

/** Tells the provider what messages owe it, each once, as if all of them were due. */
export async function tellProvider(till: Till, patience = defaultPatience): Promise<void> {
  const { db, log } = till;
  await db.call((sql) => sql`update outbox_message set due_at = clock_timestamp() where state = 'due'`);
  const payments = paymentDeliverers(till);
  const outbox = { db, log, patience, deliverers: { ...mails, 'admission-finished': silent, ...payments } };
  for (const kind of Object.keys(payments) as (keyof typeof payments)[]) {
    while (await deliverNext(outbox, kind));
  }
}

/** What a worker does for orders that nobody works on, as often as there is something, and for what they owe. */
export async function settlePayments(till: Till, patience = defaultPatience): Promise<void> {
  while (await reconcileOrders(till));
  await tellProvider(till, patience);
}
