import type postgres from 'postgres';
import { until } from '../local/processes.mjs';

/** An order that is answered later is tried for about three minutes; a message's back-off doubles from a second on. */
const SETTLED_MS_MAX = 200_000;
const LOOK_MS = 250;

/**
 * Waits until nothing is on its way any more: no order without an end, nothing owed to the provider, nobody to be told.
 * Resolves to what is left after the longest time that may take.
 */
export async function settled(sql: postgres.Sql): Promise<{ tookMs: number; left: string | null }> {
  const startedAt = performance.now();
  let left: string | null = 'nobody has looked';
  const isDone = await until(async () => {
    const [row] = await sql<{ orders: number; owed: number; messages: number }[]>`
      select (select count(*)::int from ticket_order where state = 'inProgress') as orders,
        (select count(*)::int from ticket_order where state <> 'inProgress' and payment <> 'settled') as owed,
        (select count(*)::int from outbox_message where state = 'due') as messages`;
    const { orders = 0, owed = 0, messages = 0 } = row ?? {};
    if (orders + owed + messages === 0) return true;
    left = `${orders} orders without an end, ${owed} owing something, ${messages} messages`;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return false;
  }, SETTLED_MS_MAX);
  return { tookMs: performance.now() - startedAt, left: isDone ? null : left };
}
