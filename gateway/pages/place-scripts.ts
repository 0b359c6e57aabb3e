import type { StatusAnswer } from '#shared/contract/queue.ts';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import { type InlineScript, inlineScript } from './layout.ts';
import { isJoinable } from './place-outside.ts';
import { hasClock } from './place-waiting.ts';
import { viewOf } from './views.ts';

const placeScript = inlineScript(new URL('./client/place.ts', import.meta.url));
/** With the clocks of the lobby and of a turn, which is claimed by itself. */
const turnScript = inlineScript(new URL('./client/turn.ts', import.meta.url));
/** Nothing but the clock. */
const countdownScript = inlineScript(new URL('./client/countdown.ts', import.meta.url));
/** Nothing but the key of the form. */
const joinScript = inlineScript(new URL('./client/join-key.ts', import.meta.url));

/** The page of the own place carries the script of what it can show, and none where nothing on it changes. */
export function scriptOf(status: StatusAnswer | null, sale: SaleAnswer): InlineScript | undefined {
  const joining = isJoinable(sale) ? joinScript : undefined;
  if (!status) return sale.state === 'scheduled' ? countdownScript : joining;
  const view = viewOf(status);
  if (hasClock(view)) return turnScript;
  return ['undrawn', 'waiting', 'paused', 'kept', 'finished', 'returning'].includes(view)
    ? placeScript
    : joining;
}
