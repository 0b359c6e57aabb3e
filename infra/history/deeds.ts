import { type Evidence, say } from './evidence.ts';

/** What organisers were told was done is in the audit, once. */
export function* judgeDeeds({ asked, books }: Evidence) {
  for (const each of asked) {
    const { reason } = (each.json ?? {}) as { reason?: string };
    if (reason === undefined || !['block', 'unblock', 'refund'].includes(each.op)) continue;
    const times = books.acts.get(reason) ?? 0;
    const changed = each.body.changed as string[] | undefined;
    if (times > 1) yield `Done ${times} times: ${say(each)}`;
    if (each.outcome === 'refused' && times > 0) yield `Refused and done: ${say(each)}`;
    if (each.outcome === 'done' && changed && changed.length > 0 && times === 0) yield `Lost: ${say(each)}`;
    if (each.op === 'refund' && each.outcome === 'done') {
      const id = each.url.split('/').at(-2) as string;
      const state = books.orders.get(id)?.state;
      if (state !== 'refunded') yield `Order ${id} is ${state}, and ${say(each)} was told it is refunded`;
    }
  }
}
