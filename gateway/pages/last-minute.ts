const MINUTE_MS = 60_000;
/** After a longer time without an answer nobody can say what the change was made of. */
const GAP_MS_MAX = 90_000;

/** How far a fan came in about a minute, and by what: others let in, and others gone by themselves or for being away. */
export type LastMinute = { moved: number; letIn: number; left: number };

/**
 * Says once a minute why a position changed: from the positions of two answers about a minute apart, and the turns of the
 * last 60 seconds that the later one tells. Null in between, and where the answers are too far apart to say it.
 */
export function watchMinutes(): (
  atMs: number,
  position: number,
  turnsLastMinute: number,
) => LastMinute | null {
  let began: { atMs: number; position: number } | null = null;
  return (atMs, position, turnsLastMinute) => {
    if (began === null) began = { atMs, position };
    const tookMs = atMs - began.atMs;
    if (tookMs < MINUTE_MS) return null;
    const moved = Math.max(0, began.position - position);
    began = { atMs, position };
    if (tookMs > GAP_MS_MAX) return null;
    const letIn = Math.min(moved, Math.round((turnsLastMinute * tookMs) / MINUTE_MS));
    return { moved, letIn, left: moved - letIn };
  };
}
