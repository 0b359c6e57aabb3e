// Keeps the seats in step with what others take and give back: the whole map once, then only what has changed; the whole
// comes again where so much is not known any more, as after a restart of the shop.
import type { WholeMap } from '../../seat-map/hall.ts';

type Changes = { version: number; changes: [seat: number, state: number][] };

const LOOK_MS = 2_000;
/** Without an answer each attempt comes so much later than the one before. */
const RETRY_GROWTH = 1.6;
const RETRY_MS_MAX = 15_000;
const ANSWER_MS_MAX = 10_000;
/** One answer that stays away is no trouble worth a word. */
const TROUBLED_FROM = 2;

type Told = {
  whole: (map: WholeMap) => void;
  changes: (changes: Changes['changes']) => void;
  trouble: (isTroubled: boolean) => void;
};

/** Asks while the page is seen. `again`: the whole map is asked for next, because something is known better. */
export function followSeats(url: string, told: Told): { again: () => void } {
  let version: number | null = null;
  let paceMs = LOOK_MS;
  let timer = 0;
  let asking = false;
  let failures = 0;

  const later = (ms: number) => {
    clearTimeout(timer);
    // Many look at the same hall: they do not all ask at the same moment.
    timer = window.setTimeout(ask, ms * (0.8 + 0.4 * Math.random()));
  };

  async function ask() {
    if (asking || document.visibilityState !== 'visible') return;
    asking = true;
    try {
      const response = await fetch(version === null ? url : `${url}?since=${version}`, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      if (!response.ok) throw response.status;
      const answer = (await response.json()) as WholeMap | Changes;
      if ('changes' in answer) told.changes(answer.changes);
      else told.whole(answer);
      version = answer.version;
      paceMs = LOOK_MS;
      failures = 0;
    } catch {
      // What is shown may be old then, and the shop decides anyway.
      paceMs = Math.min(RETRY_MS_MAX, paceMs * RETRY_GROWTH);
      failures += 1;
    } finally {
      asking = false;
      told.trouble(failures >= TROUBLED_FROM);
      later(paceMs);
    }
  }

  const look = () => later(0);
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', look);
  window.addEventListener('pageshow', (event) => event.persisted && look());
  void ask();
  return {
    again: () => {
      version = null;
    },
  };
}
