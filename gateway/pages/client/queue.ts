// The queue page's script: asks at the pace the server sets, shows the numbers, and moves on when it is the fan's turn.
// Everything it does can also be done without it.
import { formatClock, heldInWords, type Range, timeLeft, waitInWords } from '../words.ts';

type Status = {
  state: string;
  claimBy: string | null;
  saleState: string;
  position: number | null;
  ahead: number | null;
  admittedPerMinute: number;
  estimate: Range | null;
  allHeldUntil: string | null;
  notice: { text: string; at: string } | null;
  version: number;
  asOf: string;
  pollAfterMs: number;
};

const POLL_MS_DEFAULT = 5_000;
const POLL_MS_OFFLINE = 5_000;
/** The stream says something every 15 s; after this long without a word it is asked whether all is well. */
const SILENCE_MS = 40_000;
/** A form that was sent is on its way for so long: news of what it does must not reload the page under it. */
const SUBMIT_MS = 15_000;
const RELOAD_SPREAD_MS = 3_000;

const card = document.querySelector<HTMLElement>('[data-state]');
const claim = document.querySelector<HTMLFormElement>('form[data-claim]');
const show = (name: string, text: string) => {
  const element = document.querySelector(`[data-show="${name}"]`);
  if (element && element.textContent !== text) element.textContent = text;
};
/** Counts are put into sentences the server wrote; a sentence about nothing is left out or replaced. */
const count = (name: string, value: number) => {
  const { text = '', none = '' } =
    document.querySelector<HTMLElement>(`[data-show="${name}"]`)?.dataset ?? {};
  show(name, value === 0 ? none : text.replace('{n}', number.format(value)));
};
const number = new Intl.NumberFormat(document.documentElement.lang);
/** Times are those of the venue, as the server wrote them. */
const zone = document.querySelector<HTMLElement>('[data-zone]')?.dataset.zone ?? 'UTC';

let leavesUntil = 0;
const leaves = () => {
  leavesUntil = Date.now() + SUBMIT_MS;
};
document.addEventListener('submit', leaves);

if (card?.dataset.poll) {
  const url = card.dataset.poll;
  let version = Number(card.dataset.version);
  let first = Number(card.dataset.first) || 0;
  let nearest = first || Number.POSITIVE_INFINITY;
  let timer = 0;
  let asking = false;
  let stream: EventSource | null = null;

  const later = (ms: number) => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, ms);
  };

  const tell = (message: Status['notice']) => {
    const notice = document.querySelector<HTMLElement>('[data-notice]');
    if (!notice || notice.dataset.notice === (message?.at ?? '')) return;
    notice.dataset.notice = message?.at ?? '';
    notice.hidden = message === null;
    show('notice', message?.text ?? '');
    show('noticed', message ? formatClock(message.at, zone) : '');
  };

  const render = (status: Status) => {
    version = Math.max(version, status.version);
    const { state, saleState, timed } = card.dataset;
    const changed =
      status.state !== state ||
      status.saleState !== saleState ||
      (status.claimBy !== null) !== (timed === 'yes');
    if (changed) {
      if (Date.now() < leavesUntil) later(POLL_MS_DEFAULT);
      else location.reload();
      return;
    }
    if (status.position !== null) {
      // An answer may come late: what was shown once never rises.
      nearest = Math.min(nearest, status.position);
      const position = number.format(nearest);
      show('position', position);
      count('ahead', nearest - 1);
      document.title = `${position} – ${card.dataset.title}`;
      first ||= nearest;
      const bar = document.querySelector('progress');
      if (bar) bar.value = Math.max(bar.value, 1 - nearest / (first + 1));
    }
    count('rate', status.admittedPerMinute);
    tell(status.notice);
    show('held', heldInWords(status.allHeldUntil, zone));
    if (status.state === 'waiting') show('wait', waitInWords(status.estimate));
    show('updated', formatClock(status.asOf, zone));
    later(stream ? SILENCE_MS : status.pollAfterMs);
  };

  /** The stream where there is one; polls where not, or where it breaks off for good. */
  const hush = () => {
    stream?.close();
    stream = null;
  };
  const listen = () => {
    if (stream || !window.EventSource || card.dataset.state === 'finished') return;
    const opened = new EventSource(`${url.replace(/me$/, 'stream')}?version=${version}`);
    stream = opened;
    opened.onmessage = ({ data }) => {
      show('trouble', '');
      render(JSON.parse(data) as Status);
    };
    const poll = () => {
      hush();
      later(POLL_MS_DEFAULT * Math.random());
    };
    opened.onerror = () => {
      if (opened.readyState === EventSource.CLOSED) poll();
      else later(POLL_MS_OFFLINE);
    };
    opened.addEventListener('superseded', poll);
  };

  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const response = await fetch(`${url}?version=${version}`, { headers: { accept: 'application/json' } });
      if (response.ok) {
        show('trouble', '');
        render((await response.json()) as Status);
      } else if (response.status === 401 || response.status === 404) {
        location.reload();
      } else {
        show('trouble', 'We cannot reach the queue right now. Your place is kept.');
        later(1000 * Number(response.headers.get('retry-after')) || POLL_MS_DEFAULT);
      }
    } catch {
      show('trouble', 'You seem to be offline. Your place is kept.');
      later(POLL_MS_OFFLINE);
    } finally {
      asking = false;
    }
  }

  const askNow = () => {
    if (document.visibilityState === 'visible') later(0);
  };
  document.addEventListener('visibilitychange', askNow);
  window.addEventListener('online', askNow);
  window.addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    askNow();
    listen();
  });
  window.addEventListener('pagehide', hush);
  listen();
  later(Number(card.dataset.after) || POLL_MS_DEFAULT);
}

// A turn is claimed as soon as the fan can see it; until then the tab calls.
if (claim) {
  let sent = false;
  const goIn = () => {
    if (sent || document.visibilityState !== 'visible') return;
    sent = true;
    leaves();
    claim.submit();
  };
  document.title = `★ ${document.title}`;
  document.addEventListener('visibilitychange', goIn);
  goIn();
}

// Clocks count to a moment by the server's time, however wrong this device's is.
const offsetMs = Date.parse(card?.dataset.now ?? '') - Date.now() || 0;
const tick = () => {
  for (const element of document.querySelectorAll<HTMLElement>('[data-until]')) {
    const seconds = Math.max(
      0,
      Math.floor((Date.parse(element.dataset.until ?? '') - Date.now() - offsetMs) / 1000),
    );
    element.textContent = timeLeft(seconds);
    // Everyone's countdown ends in the same second; their reloads are spread over the next ones.
    if (seconds === 0 && element.dataset.atZero === 'reload') {
      element.dataset.atZero = '';
      setTimeout(() => location.reload(), 300 + RELOAD_SPREAD_MS * Math.random());
    }
  }
};
if (document.querySelector('[data-until]')) {
  tick();
  setInterval(tick, 1000);
}
