// The queue page is the same bytes for everybody, and all of it has to fit in 3 KB: this finds out whether this browser has a
// place, shows where it is, and takes one. It knows the states in which a crowd sits; each other one has the page of the
// fan's own place (place.ts), where everything works without a script too. The page is made for one state of the sale: when that
// changes, its words are fetched anew, which a CDN answers.

import { outward, tagOf, unitFormat } from '../words.ts';
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
/** And, as long as nobody can come in, the form that opens with it. */
declare const HAS_OPENING: boolean;

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
/**
 * For this browser's other tabs, and for after a reload: what was kept first. Where nothing can be kept, the value itself, and
 * without one that there may be something.
 */
// biome-ignore lint/suspicious/noExplicitAny: a storage is typed so, and takes numbers for their digits
const keep = (name: string, value?: any) => {
  try {
    if (value) localStorage[name] ??= value;
    return localStorage[name];
  } catch {
    return value ?? 1;
  }
};
const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).join('.');
let mine = keep(path);
let version = 0;
let paceMs = NEWS_MS;
let place = 0;
let nearest: number | null = 0;
let dueAt = 0;
let asks = 0;
let joining: RequestInit | undefined;
let stream: EventSource | null;
/** How much the server's clock is ahead of this device's. */
let aheadMs: number;
/** So long after the opening this page looks for new words. */
let afterMs = HAS_CLOCK ? SPREAD_MS * Math.random() : 0;

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
/** Throws, for whoever is told to come again, in how many seconds. */
const get = async (address: string, options?: RequestInit) => {
  const response = await fetch(address, {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    cache: 'no-cache',
    ...options,
  });
  if (HAS_CLOCK) aheadMs = Date.parse(response.headers.get('date') as string) - Date.now();
  if (response.status > 428) throw response.headers.get('retry-after');
  return response;
};
const timeOf = (iso: string) => new Date(iso).toLocaleTimeString(tag);

/** The sentences stand in the page, in its language, with a place each; those without a value (null) are hidden. */
const tell = (values: Record<string, string | number | boolean | null>) => {
  for (const element of all('[data-text]')) {
    const [name, text, none = text] = element.dataset.text!.split('|') as [string, string, string?];
    const value = values[name];
    if (value === undefined) continue;
    element.hidden = value === null;
    const sentence = (value ? text : none).replace('{n}', () => `${value?.toLocaleString(tag)}`);
    if (element.textContent !== sentence) element.textContent = sentence;
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
  stream = null;
};

/**
 * The page as it is now: its words take the place of those that stand here when they are of another moment. Throws without an
 * answer, and where a cache still has the words of another state than this one.
 */
const renew = async (state: string) => {
  const response = await get('');
  const text = await response.text();
  const [, words] = (response.ok && /<main>(.*)<.main>/s.exec(text)) as RegExpExecArray;
  if (!text.includes(card().id)) (all('main')[0] as HTMLElement).innerHTML = words as string;
  if (!card().id.startsWith(state)) throw 0;
};

const render = async (status: Status) => {
  const { state, saleState, queueNumber, position, estimate, notice, allHeldUntil } = status;
  version = Math.max(version, status.version);
  paceMs = status.pollAfterMs;
  // A question that is due is asked: what a stream still had on the way, from before the network went, is no answer to it.
  if (dueAt > performance.now()) later(stream?.readyState === 1 ? SILENCE_MS : paceMs);
  const isKept = state === 'waiting' && !position;
  // The turn came while the gateway looked: the next answer, at once, knows it.
  if (isKept && !paceMs) return;
  // No crowd is in any other state: its words stand on the page of the own place.
  if (!/bb|wa|cl/.test(state)) return go();
  if (!card().id.startsWith(saleState)) await renew(saleState);
  if (turnTo(position ? 'place' : state) || isKept) {
    // An answer may come late: what was shown once of a place never rises.
    nearest = position && (place === queueNumber ? Math.min(nearest || position, position) : position);
    place = queueNumber;
    tell({
      p: nearest,
      a: nearest && nearest - 1,
      r: status.admittedPerMinute || null,
      w: estimate ? outward(estimate, (unit, low, high) => unitFormat(tag, unit).formatRange(low, high)) : 0,
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
      for (const bar of all<HTMLProgressElement>('progress'))
        bar.value = Math.max(bar.value, 1 - nearest / keep(path + place, nearest));
    }
    if (state === 'closed') {
      hush();
      later(NEVER_MS);
    } else listen();
  } else go();
};

const listen = () => {
  if (stream || !mine || document.hidden) return;
  const opened = new EventSource(`${queue}/stream?version=${version}`);
  stream = opened;
  opened.onmessage = ({ data }) => render(JSON.parse(data)).catch(fail);
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

// biome-ignore lint/suspicious/noExplicitAny: a number of seconds, or why there was no answer at all
const fail = (seconds: any) => {
  tell({ o: 1, s: mine && 1 });
  later(again(1000 * seconds || RETRY_MS_MIN));
};

/** What was asked last counts: a join does not wait for a poll, and no answer that comes after its own undoes it. */
const ask = async () => {
  const asked = ++asks;
  const joined = joining;
  later(ANSWER_MS_MAX);
  try {
    if (mine || joined) {
      const response = await get(joined ? queue : `${queue}/me?version=${version}`, joined);
      if (asked < asks) return;
      if (response.ok) {
        mine ||= joined;
        joining = undefined;
        await render(await response.json());
        if (joined) all('[tabindex]')[0]?.focus();
        return;
      }
      if (joined) return go();
      // What this browser has kept is of a place that it has no more, or whose answer never came.
      mine = undefined;
    } else {
      later(again(NEWS_MS));
      await renew('');
      if (asked < asks) return;
    }
    turnTo('none');
    tell({ o: null, s: null });
  } catch (seconds) {
    if (asked === asks) fail(seconds);
  }
};

const look = () => {
  if (document.hidden) hush();
  later(document.hidden ? paceMs : 0);
};
for (const moment of ['visibilitychange', 'online']) addEventListener(moment, look);
// Pressed twice, in two tabs, or once more after a lost answer, it is the same place.
addEventListener('submit', (event) => {
  event.preventDefault();
  joining = {
    method: 'POST',
    headers: { 'idempotency-key': keep(path, key) },
  };
  ask();
});
setInterval(() => {
  if (performance.now() > dueAt) ask();
  if (!HAS_CLOCK) return;
  for (const clock of all('[data-until]')) {
    // Milliseconds, as digits.
    const leftMs = (clock.dataset.until as unknown as number) - Date.now() - aheadMs;
    if (leftMs < CLOCK_MS_MAX) clock.textContent = new Date(Math.max(0, leftMs)).toISOString().slice(11, 19);
    if (mine) continue;
    // Whoever trusts the clock can join as soon as whoever loads the page at the opening.
    if (HAS_OPENING && leftMs < 0) for (const form of all('[data-when=""]')) form.hidden = false;
    // Everyone's clock ends in the same second: the words are fetched some time within the next ones.
    if (leftMs < -afterMs) {
      afterMs = again(RETRY_MS_MIN) - leftMs;
      ask();
    }
  }
}, LOOK_MS);
if (mine) turnTo('-');
else if (!HAS_CLOCK) later(again(NEWS_MS));
