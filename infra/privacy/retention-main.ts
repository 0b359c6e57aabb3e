import { parseArgs } from 'node:util';
import { describeKept, onBooks, refuse } from './command.ts';
import { eraseOrders, ordersOfThePast } from './erase-orders.ts';

const usage = `npm run retention -- --days DAYS [--apply]

Erases the buyers of all orders of concerts that began longer ago than DAYS; every sale has ended by then, and until then a buyer
must be reached. Without --apply it says what it would do, and does nothing.`;

/** `npm run retention`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  let options: { days?: string; apply: boolean };
  try {
    options = parseArgs({
      args,
      options: { days: { type: 'string' }, apply: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${usage}`);
  }
  const { days = '', apply } = options;
  if (!/^\d{1,5}$/.test(days)) return refuse(usage);
  return onBooks(root, async (sql) => {
    const found = await ordersOfThePast(sql, Number(days));
    if (!apply) {
      console.log(`Would erase the buyers of ${found.orders.length} orders; --apply does it.`);
    } else {
      const done = await eraseOrders(sql, found.orders);
      console.log(`Erased the buyers of ${done.orders} orders; ${done.mails} e-mails will not be sent.`);
    }
    console.log(describeKept(found));
    return 0;
  });
}
