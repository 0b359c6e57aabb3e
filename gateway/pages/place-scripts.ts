import type { StatusAnswer } from '#shared/contract/queue.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { type InlineScript, scripts } from './browser-code.made.ts';
import { isJoinable } from './place-outside.ts';
import { hasClock } from './place-waiting.ts';
import { viewOf } from './views.ts';

/** The page of the own place carries the script of what it can show, and none where nothing on it changes. */
export function scriptOf(status: StatusAnswer | null, sale: SaleAnswer): InlineScript | undefined {
  const joining = isJoinable(sale) ? scripts.joinKey : undefined;
  if (!status) return sale.state === 'scheduled' ? scripts.countdown : joining;
  const view = viewOf(status);
  if (hasClock(view)) return scripts.turn;
  return ['undrawn', 'waiting', 'paused', 'kept', 'finished', 'returning'].includes(view)
    ? scripts.place
    : joining;
}
