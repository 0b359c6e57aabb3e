// The script of a booking in progress: asks what became of it, ever less often, and shows the page anew when there is
// something else to see. Without it the page refreshes itself.

const FIRST_POLL_MS = 1_000;
const POLL_GROWTH = 1.3;
const POLL_MS_MAX = 8_000;

const card = document.querySelector<HTMLElement>('[data-poll]');
const trouble = document.querySelector<HTMLElement>('[data-show="trouble"]');

if (card?.dataset.poll) {
  const url = card.dataset.poll;
  let pollMs = FIRST_POLL_MS;
  let timer = 0;
  let asking = false;

  const later = (ms: number) => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, ms);
  };

  const say = (name: 'unreachable' | 'offline' | null) => {
    const text = (name && trouble?.dataset[name]) ?? '';
    if (trouble && trouble.textContent !== text) trouble.textContent = text;
  };

  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const response = await fetch(url, { headers: { accept: 'application/json' } });
      const isKnown = response.ok;
      const isOver = isKnown
        ? ((await response.json()) as { state: string }).state !== 'inProgress'
        : response.status === 401 || response.status === 404;
      if (isOver) location.reload();
      say(isKnown || isOver ? null : 'unreachable');
    } catch {
      say('offline');
    } finally {
      asking = false;
      pollMs = Math.min(POLL_MS_MAX, pollMs * POLL_GROWTH);
      // Many wait for the same worker: they do not all ask at the same moment.
      later(pollMs * (0.8 + 0.4 * Math.random()));
    }
  }

  const askNow = () => {
    if (document.visibilityState === 'visible') later(0);
  };
  document.addEventListener('visibilitychange', askNow);
  window.addEventListener('online', askNow);
  window.addEventListener('pageshow', (event) => event.persisted && askNow());
  later(FIRST_POLL_MS);
}
