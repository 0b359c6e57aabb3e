import { parseArgs } from 'node:util';
import { emailKey } from '../../booking-service/order/email-key.ts';
import { describeKept, onBooks, refuse } from './command.ts';
import { eraseOrders, ordersOfBuyer } from './erase-orders.ts';
import { removeSavedMails } from './saved-mails.ts';

const usage = `npm run erase -- --email ADDRESS [--dry-run]

Erases a buyer: name and address in every order, e-mails that wait or were given up, and those that a development shop keeps.
Ends with 0 when nothing of the person is left here, with 1 while an order of theirs is in progress.`;

/** `npm run erase`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  let options: { email?: string; 'dry-run': boolean };
  try {
    options = parseArgs({
      args,
      options: { email: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`);
  }
  const { email, 'dry-run': isDryRun } = options;
  if (!email || !/^[^@\s]+@[^@\s]+$/.test(email)) return refuse(usage);
  const key = emailKey(email);
  return onBooks(root, async (sql, dataDir) => {
    const found = await ordersOfBuyer(sql, key);
    const done = isDryRun ? { orders: found.orders.length, mails: 0 } : await eraseOrders(sql, found.orders);
    const files = await removeSavedMails(dataDir, key, isDryRun);
    console.log(
      isDryRun
        ? `Would erase the buyer of ${done.orders} orders and ${files} saved e-mails.`
        : `Erased the buyer of ${done.orders} orders; ${done.mails} e-mails will not be sent, ${files} saved ones are removed.`,
    );
    console.log(describeKept(found));
    return found.inProgress > 0 ? 1 : 0;
  });
}
