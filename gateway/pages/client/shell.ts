// The queue page is the same bytes for everybody, and all of it has to fit in 3 KB: this finds out whether this browser has a
// place, shows where it is, and takes one. It knows the states in which a crowd sits; each other one has the page of the
// fan's own place (queue.ts), where everything works without a script too. The page is made for one state of the sale: when that
// changes, its words are fetched anew, which a CDN answers.

import { roundedOutward, tagOf } from '../words.ts';
import {
  ANSWER_MS_MAX,
  CLOCK_MS_MAX,
  KEY_BYTES,
  LOOK_MS,
  NEVER_MS,
  NEWS_MS,
  RETRY_MS_MIN,
  SILENCE_MS,
  SPREAD_MS,
} from './pace.ts';

/** Before the opening the page has a clock: only then is it in the script. */
declare const HAS_CLOCK: boolean;

type Status = {
  state: string;
  saleState: string;
  queueNumber: number;
  position: number | null;
  admittedPerMinute: number;
  estimate: { lowSeconds: number; highSeconds: number } | null;
  allHeldUntil: string | null;
  notice: { text: string; at: string } | null;
  version: number;
  asOf: string;
  pollAfterMs: number;
};

const path = location.pathname;
const queue = `/api${path}/queue`;
const tag = tagOf(document.documentElement.lang);
const { title } = document;
/** What this browser keeps for its other tabs, and for after a reload. */
// biome-ignore lint/suspicious/noExplicitAny: a storage is typed so, and takes numbers for their digits
let keeps: Record<string, any> = {};
try {
  keeps = localStorage;
} catch {}
let mine = keeps[path];
let version = 0;
let paceMs = NEWS_MS;
let place = 0;
let nearest: number | null = 0;
let dueAt = 0;
let asking = false;
let joining: RequestInit | undefined;
let stream: EventSource | undefined;
/** How much the server's clock is ahead of this device's. */
let aheadMs: number;
const sooner = HAS_CLOCK && Math.random();

const all = <Found extends HTMLElement>(selector: string) => document.querySelectorAll<Found>(selector);
const card = () => all('.card')[0] as HTMLElement;
const go = () => location.replace(`${path}/place${location.search}`);
const again = (ms: number) => ms * (1 + Math.random());
const later = (ms: number) => {
  dueAt = performance.now() + ms;
};
/** Puts off nothing that is due before. */
const within = (ms: number) => {
  dueAt = Math.min(dueAt, performance.now() + ms);
};
const hear = async (address: string, options: RequestInit) => {
  const response = await fetch(address, options);
  aheadMs = Date.parse(response.headers.get('date') ?? '') - Date.now();
  return response;
};
const get = HAS_CLOCK ? hear : fetch;
const timeOf = (iso: string) => new Date(iso).toLocaleTimeString(tag);

/** The sentences stand in the page, in its language, with a place each; those without a value (null) are hidden. */
const tell = (values: Record<string, string | number | boolean | null>) => {
  for (const element of all('[data-text]')) {
    const [name = '', text = '', none = text] = element.dataset.text!.split('|');
    const value = values[name];
    if (value === undefined) continue;
    element.hidden = value === null;
    const sentence = (value ? text : none).replace('{n}', () => `${value?.toLocaleString(tag)}`);
    if (value !== null && element.textContent !== sentence) element.textContent = sentence;
  }
};

/** Shows the words that the page has for a view; false where it has none. */
const turnTo = (view: string) => {
  let found = false;
  for (const element of all('[data-when]')) {
    element.hidden = !element.dataset.when!.includes(view);
    found ||= !element.hidden;
  }
  return found;
};

const hush = () => {
  stream?.close();
  stream = undefined;
};

/** The page as it is now: its words take the place of those that stand here when they are of another moment. */
const renew = async () => {
  const response = await get('', { cache: 'no-cache' });
  const text = await response.text();
  const [, words] = (response.ok && /<main>(.*)<.main>/s.exec(text)) as RegExpExecArray;
  if (!text.includes(card().id)) (all('main')[0] as HTMLElement).innerHTML = words as string;
};

const render = async (status: Status) => {
  const { state, saleState, queueNumber, position, estimate, notice, allHeldUntil } = status;
  version = status.version;
  paceMs = status.pollAfterMs;
  later(stream?.readyState === 1 ? SILENCE_MS : paceMs);
  const isKept = state === 'waiting' && !position;
  // The turn came while the gateway looked: the next answer, at once, knows it.
  if (isKept && !paceMs) return;
  if (!card().id.startsWith(saleState)) await renew();
  if (turnTo(position ? 'place' : state) || isKept) {
    // An answer may come late: what was shown once of a place never rises.
    nearest = position && (place === queueNumber ? Math.min(nearest || position, position) : position);
    place = queueNumber;
    tell({
      p: nearest,
      a: nearest && nearest - 1,
      r: status.admittedPerMinute || null,
      w: estimate ? roundedOutward(tag, estimate) : 0,
      h: allHeldUntil && timeOf(allHeldUntil),
      u: timeOf(status.asOf),
      n: notice ? notice.text : null,
      t: notice && timeOf(notice.at),
      s: isKept || null,
      o: isKept || null,
    });
    document.title = `${nearest?.toLocaleString(tag) ?? all('h2')[0]?.textContent} – ${title}`;
    // From the first position that this browser saw of this place: after a reload too the bar only moves forward.
    if (nearest) {
      keeps[path + place] ??= nearest;
      for (const bar of all<HTMLProgressElement>('progress'))
        bar.value = Math.max(bar.value, 1 - nearest / keeps[path + place]);
    }
    if (state === 'closed') {
      hush();
      later(NEVER_MS);
    } else listen();
  } else if (card().id.startsWith(saleState) || state === 'ready') go();
  else later(again(RETRY_MS_MIN));
};

const listen = () => {
  if (stream || !mine || document.hidden) return;
  const opened = new EventSource(`${queue}/stream?version=${version}`);
  stream = opened;
  opened.onmessage = ({ data }) => render(JSON.parse(data));
  opened.onerror = () => {
    hush();
    within(again(RETRY_MS_MIN));
  };
  // Another tab of this fan listens from now on.
  opened.addEventListener('superseded', () => {
    opened.close();
    within(paceMs);
  });
};

const ask = async () => {
  if (asking) return;
  asking = true;
  later(ANSWER_MS_MAX);
  try {
    if (mine || joining) {
      const response = await get(joining ? queue : `${queue}/me?version=${version}`, {
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
        ...joining,
      });
      const { ok, status } = response;
      if (ok) {
        const joined = joining;
        mine ||= joined;
        joining = undefined;
        await render(await response.json());
        if (joined) all('[tabindex]')[0]?.focus();
      } else if (status > 428) throw 0;
      else if (joining) go();
      else {
        // What this browser has kept is of a place that it has no more, or whose answer never came.
        mine = turnTo('none');
      }
    } else {
      later(again(NEWS_MS));
      await renew();
    }
  } catch {
    tell({ o: 1, s: mine && 1 });
    later(again(RETRY_MS_MIN));
  }
  asking = false;
};

const look = () => {
  if (document.hidden) hush();
  later(document.hidden ? paceMs : 0);
};
for (const moment of ['visibilitychange', 'online']) addEventListener(moment, look);
// Pressed twice, in two tabs, or once more after a lost answer, it is the same place.
addEventListener('submit', (event) => {
  event.preventDefault();
  keeps[path] ??= crypto.getRandomValues(new Uint8Array(KEY_BYTES)).join('.');
  joining = {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', 'idempotency-key': keeps[path] },
  };
  later(0);
  ask();
});
setInterval(() => {
  if (performance.now() > dueAt) ask();
  if (!HAS_CLOCK) return;
  for (const clock of all('[data-until]')) {
    const leftMs = Date.parse(clock.dataset.until!) - Date.now() - aheadMs;
    if (leftMs < CLOCK_MS_MAX) clock.textContent = new Date(Math.max(0, leftMs)).toISOString().slice(11, 19);
    // Everyone's clock ends in the same second: whoever has no place looks some time within the next ones.
    if (!mine && leftMs < -SPREAD_MS * +sooner) within(again(RETRY_MS_MIN));
  }
}, LOOK_MS);
if (mine) turnTo('-');
else if (!HAS_CLOCK) later(again(NEWS_MS));
