// The queue page's script: listens to the stream, or asks at the pace the server sets, shows the numbers, and moves on
// when it is the fan's turn. Everything it does can also be done without it.
import { viewOf } from '../views.ts';
import { formatClock, heldInWords, type Range, waitInWords } from '../words.ts';
import './countdown.ts';

type Status = {
  state: string;
  claimBy: string | null;
  returning: boolean;
  saleState: string;
  queueNumber: number | null;
  position: number | null;
  admittedPerMinute: number;
  estimate: Range | null;
  allHeldUntil: string | null;
  notice: { text: string; at: string } | null;
  version: number;
  asOf: string;
  pollAfterMs: number;
};

const POLL_MS_DEFAULT = 5_000;
/** Without an answer the next attempt comes after this time or up to twice as much: a gateway comes back to no herd. */
const RETRY_MS_MIN = 3_000;
const ANSWER_MS_MAX = 10_000;
/** The stream says something every 15 s; after this long without a word it is asked whether all is well. */
const SILENCE_MS = 40_000;
/** A form that was sent is on its way for so long: news of what it does must not reload the page under it. */
const SUBMIT_MS = 15_000;

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
const isVisible = () => document.visibilityState === 'visible';

let leavesUntil = 0;
const leaves = () => {
  leavesUntil = Date.now() + SUBMIT_MS;
};
document.addEventListener('submit', leaves);

if (card?.dataset.poll) {
  const { poll: url, title } = card.dataset;
  let version = Number(card.dataset.version);
  let nearest = Number(card.dataset.position) || Number.POSITIVE_INFINITY;
  let paceMs = Number(card.dataset.after) || POLL_MS_DEFAULT;
  let timer = 0;
  let dueAt = 0;
  let asking = false;
  let over = false;
  let troubled = false;
  let stream: EventSource | null = null;

  const later = (ms: number) => {
    clearTimeout(timer);
    if (over) return;
    dueAt = performance.now() + ms;
    timer = window.setTimeout(ask, ms);
  };
  /** Puts off nothing that is due before. */
  const within = (ms: number) => {
    if (performance.now() + ms < dueAt) later(ms);
  };
  const again = (ms = RETRY_MS_MIN) => ms * (1 + Math.random());

  const trouble = (text: string) => {
    troubled = text !== '';
    show('trouble', text);
  };

  const tell = (message: Status['notice']) => {
    const notice = document.querySelector<HTMLElement>('[data-notice]');
    if (!notice || notice.dataset.notice === (message?.at ?? '')) return;
    notice.dataset.notice = message?.at ?? '';
    notice.hidden = message === null;
    show('notice', message?.text ?? '');
    show('noticed', message ? formatClock(message.at, zone) : '');
  };

  /** The first position that this browser saw of this place: after a reload too the bar only moves forward. */
  const beginning = ({ queueNumber }: Status): number => {
    const key = `${url}/${queueNumber}`;
    try {
      localStorage[key] ??= nearest;
      return Math.max(localStorage[key], nearest);
    } catch {
      return nearest;
    }
  };

  /** Shows the words that the page has for a view; false where it has none. */
  const turnTo = (view: string): boolean => {
    const isOfView = `[data-when~="${view}"]`;
    const shown = card.querySelector(isOfView);
    if (!shown) return false;
    card.dataset.state = view;
    for (const element of card.querySelectorAll<HTMLElement>('[data-when]'))
      element.hidden = !element.matches(isOfView);
    document.title = `${shown.querySelector('h2, .position')?.textContent} – ${title}`;
    return true;
  };

  const render = (status: Status) => {
    version = Math.max(version, status.version);
    paceMs = status.pollAfterMs;
    const view = viewOf(status);
    if (troubled) {
      trouble('');
      listen();
    }
    // The turn came while the gateway looked: the next answer knows it.
    if (view === 'kept' && paceMs === 0) return later(0);
    if (view !== card.dataset.state && !turnTo(view)) {
      // Only what becomes of this one fan is not in the page: no crowd reloads with it.
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
      document.title = `${position} – ${title}`;
      const bar = document.querySelector('progress');
      if (bar) bar.value = Math.max(bar.value, 1 - nearest / beginning(status));
    }
    count('rate', status.admittedPerMinute);
    tell(status.notice);
    show('held', heldInWords(status.allHeldUntil, zone));
    if (status.state === 'waiting') show('wait', waitInWords(status.estimate));
    show('updated', formatClock(status.asOf, zone));
    over = status.state === 'closed';
    if (over) hush();
    if (over || status.allHeldUntil) show('left', '');
    later(stream?.readyState === EventSource.OPEN ? SILENCE_MS : paceMs);
  };

  const hush = () => {
    stream?.close();
    stream = null;
  };
  /**
   * The stream where there is one, polls where not, where it breaks off for good, and in a tab that nobody sees: a browser
   * has six connections to a place, and hidden tabs must not hold them all.
   */
  const listen = () => {
    if (stream || over || !window.EventSource || !isVisible() || card.dataset.state === 'finished') return;
    const opened = new EventSource(`${url.replace(/me$/, 'stream')}?version=${version}`);
    stream = opened;
    opened.onmessage = ({ data }) => render(JSON.parse(data) as Status);
    const poll = () => {
      hush();
      later(POLL_MS_DEFAULT * Math.random());
    };
    opened.onerror = () => {
      if (opened.readyState === EventSource.CLOSED) poll();
      // The browser tries again by itself, every few seconds: meanwhile a poll says what is wrong.
      else within(again());
    };
    opened.addEventListener('superseded', poll);
  };

  async function ask() {
    if (asking || over) return;
    asking = true;
    try {
      const response = await fetch(`${url}?version=${version}`, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      if (response.ok) {
        render((await response.json()) as Status);
      } else if (response.status === 401 || response.status === 404) {
        location.reload();
      } else {
        trouble('We cannot reach the queue right now. Your place is safe.');
        later(again(1000 * Number(response.headers.get('retry-after')) || RETRY_MS_MIN));
      }
    } catch {
      trouble(
        navigator.onLine
          ? 'We cannot reach the queue right now, or you are offline. Your place is safe.'
          : 'You are offline. Your place is safe.',
      );
      later(again());
    } finally {
      asking = false;
    }
  }

  const look = () => {
    if (isVisible()) {
      listen();
      later(0);
    } else {
      hush();
      within(paceMs);
    }
  };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', look);
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) look();
  });
  window.addEventListener('pagehide', hush);
  listen();
  later(paceMs);
}

// A turn is claimed as soon as the fan can see it; until then the tab calls.
if (claim) {
  let sent = false;
  const goIn = () => {
    if (sent || !isVisible()) return;
    sent = true;
    leaves();
    claim.submit();
  };
  document.title = `★ ${document.title}`;
  document.addEventListener('visibilitychange', goIn);
  goIn();
}
