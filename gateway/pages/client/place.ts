// The script of a fan's own place: listens to the stream, or asks at the pace the server sets, shows the numbers, and moves on
// when it is the fan's turn. Everything it does can also be done without it.
import { watchMinutes } from '../last-minute.ts';
import { viewOf } from '../views.ts';
import { clockFormat, type Range, tagOf, wordsOf } from '../words.ts';
import { callFan } from './call.ts';
import { ownKey } from './own-key.ts';
import { ANSWER_MS_MAX, RETRY_MS_MIN, SILENCE_MS } from './pace.ts';
import { drawIcon } from './tab-icon.ts';

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
/** As EventSource names them, in fewer bytes. */
const OPEN = 1;
const CLOSED = 2;
/** A form that was sent is on its way for so long: news of what it does must not reload the page under it. */
const SUBMIT_MS = 15_000;

const find = <Found extends Element = HTMLElement>(selector: string) =>
  document.querySelector<Found>(selector);
const shown = (name: string) => find(`[data-show="${name}"]`);
const show = (name: string, text = '') => {
  const element = shown(name);
  if (element && element.textContent !== text) element.textContent = text;
};
/** The sentences stand in the page, in its language, with places for what changes. */
const textsOf = (name: string): Record<string, string | undefined> => shown(name)?.dataset ?? {};
const tag = tagOf(document.documentElement.lang);
const { number, count, wait } = wordsOf(tag);
const card = find('[data-poll]');
const isVisible = () => !document.hidden;

if (card) {
  const { poll = '', zone = 'UTC' } = card.dataset;
  const zoned = clockFormat(tag, zone);
  const clock = (iso: string) => zoned.format(new Date(iso));
  const sale = location.pathname.replace(/\/place$/, '');
  const url = `/api${sale}/queue/`;
  ownKey(sale);
  const title = find('h1')?.textContent;
  let [version = 0, paceMs = 0, nearest = 0] = poll.split(' ').map(Number);
  paceMs ||= POLL_MS_DEFAULT;
  nearest ||= Number.POSITIVE_INFINITY;
  let leavesUntil = 0;
  let timer = 0;
  let dueAt = 0;
  let asking = false;
  let over = false;
  let troubled = false;
  let stream: EventSource | null = null;
  const lastMinute = watchMinutes();

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

  const trouble = (text?: string) => {
    troubled = text !== undefined;
    show('trouble', text);
  };

  const tell = (message: Status['notice']) => {
    const notice = find('[data-notice]');
    const at = message?.at ?? '';
    if (!notice || notice.dataset.notice === at) return;
    notice.dataset.notice = at;
    notice.hidden = !message;
    show('notice', message?.text);
    if (message) show('noticed', clock(at));
  };

  /** The first position that this browser saw of this place: after a reload too the bar only moves forward. */
  const beginning = ({ queueNumber }: Status): number => {
    const key = url + queueNumber;
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
      trouble();
      listen();
    }
    // The turn came while the gateway looked: the next answer knows it.
    if (view === 'kept' && !paceMs) return later(0);
    if (view !== card.dataset.state && !turnTo(view)) {
      // Only what becomes of this one fan is not in the page: no crowd reloads with it.
      if (Date.now() < leavesUntil) later(POLL_MS_DEFAULT);
      else void Promise.resolve(view === 'ready' && callFan()).then(() => location.reload());
      return;
    }
    if (status.position !== null) {
      // An answer may come late: what was shown once never rises.
      nearest = Math.min(nearest, status.position);
      const position = number(nearest);
      show('position', position);
      show('ahead', count(nearest - 1, textsOf('ahead')));
      document.title = `${position} – ${title}`;
      drawIcon(nearest);
      const bar = find<HTMLProgressElement>('progress');
      if (bar) bar.value = Math.max(bar.value, 1 - nearest / beginning(status));
      // A screen reader hears this, once a minute, and not the numbers that tick.
      const came = lastMinute(Date.parse(status.asOf), nearest, status.admittedPerMinute);
      const { text = '', still } = textsOf('minute');
      const figures: Record<string, number> = came ?? {};
      if (came)
        show(
          'minute',
          came.moved ? text.replace(/\{(\w+)\}/g, (_, name) => number(figures[name] as number)) : still,
        );
    }
    show('rate', count(status.admittedPerMinute, textsOf('rate')));
    tell(status.notice);
    show(
      'held',
      status.allHeldUntil ? textsOf('held').text?.replace('{time}', clock(status.allHeldUntil)) : '',
    );
    if (status.state === 'waiting')
      show('wait', wait(status.estimate, (textsOf('wait').text ?? '').split('|')));
    show('updated', clock(status.asOf));
    over = status.state === 'closed';
    if (over) hush();
    if (over || status.allHeldUntil) show('left');
    // A question that is due is asked: what a stream still had on the way, from before the network went, is no answer to it.
    if (asking || performance.now() < dueAt) later(stream?.readyState === OPEN ? SILENCE_MS : paceMs);
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
    if (stream || over || !isVisible() || card.dataset.state === 'finished') return;
    const opened = new EventSource(`${url}stream?version=${version}`);
    stream = opened;
    opened.onmessage = ({ data }) => render(JSON.parse(data) as Status);
    const poll = () => {
      hush();
      later(POLL_MS_DEFAULT * Math.random());
    };
    opened.onerror = () => {
      if (opened.readyState === CLOSED) poll();
      // The browser tries again by itself, every few seconds: meanwhile a poll says what is wrong.
      else within(again());
    };
    opened.addEventListener('superseded', poll);
  };

  async function ask() {
    if (asking || over) return;
    asking = true;
    try {
      const response = await fetch(`${url}me?version=${version}`, {
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      if (response.ok) {
        render((await response.json()) as Status);
      } else if (response.status === 401 || response.status === 404) {
        location.reload();
      } else {
        trouble(textsOf('trouble').unreachable);
        later(again(1000 * Number(response.headers.get('retry-after')) || RETRY_MS_MIN));
      }
    } catch {
      trouble(textsOf('trouble')[navigator.onLine ? 'unreachable' : 'offline']);
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
  document.addEventListener('submit', () => {
    leavesUntil = Date.now() + SUBMIT_MS;
  });
  document.addEventListener('visibilitychange', look);
  addEventListener('online', look);
  addEventListener('pageshow', (event) => {
    if (event.persisted) look();
  });
  addEventListener('pagehide', hush);
  listen();
  later(paceMs);
}
