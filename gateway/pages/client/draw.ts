// The script of the draw's page: computes the order again in the reader's own browser, a few milliseconds at a time, and
// says in words what came out. It trusts nothing but the published draw itself.
import { hmacSha256, sha256 } from '../../../shared/sha256.ts';

type Draw = {
  commitment: string;
  digest: string;
  seed: string;
  beacon: string | null;
  entries: number;
  ids: string[];
};

const STEP_MS = 12;
const number = new Intl.NumberFormat(document.documentElement.lang);
const panel = document.querySelector<HTMLElement>('[data-draw]');
const form = panel?.querySelector('form');
const field = panel?.querySelector('input');
const button = panel?.querySelector('button');
const bar = panel?.querySelector('progress');
const verdict = panel?.querySelector<HTMLElement>('[data-show="verdict"]');
const list = panel?.querySelector<HTMLElement>('[data-show="steps"]');
const place = panel?.querySelector<HTMLElement>('[data-show="place"]');

/** Lets the page draw and answer when it has been busy for a moment; progress counts from 0 to 1. */
function pauses() {
  let since = performance.now();
  return async (done: number): Promise<void> => {
    if (performance.now() - since < STEP_MS) return;
    if (bar) bar.value = done;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  };
}

const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The browser's own SHA-256 works beside the page; it is there on https only. */
async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  return toHex(subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : sha256(bytes));
}

/** The ids in byte order, joined by line feeds. */
async function lobbyText(ids: string[], pause: (done: number) => Promise<void>) {
  const buckets = new Map<string, string[]>();
  let length = Math.max(0, ids.length - 1);
  for (const [i, id] of ids.entries()) {
    const begin = id.slice(0, 2);
    const bucket = buckets.get(begin);
    if (bucket) bucket.push(id);
    else buckets.set(begin, [id]);
    length += id.length;
    if (i % 1_000 === 0) await pause((0.15 * i) / ids.length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const begin of [...buckets.keys()].sort()) {
    for (const id of buckets.get(begin)?.sort() ?? []) {
      if (at > 0) bytes[at++] = 10;
      for (let i = 0; i < id.length; i += 1) bytes[at++] = id.charCodeAt(i);
    }
    await pause(0.15 + (0.15 * at) / length);
  }
  return bytes;
}

/** The first number that stands where the rule does not put it; 0 when all stand right. */
async function wrongNumber(ids: string[], key: Uint8Array, pause: (done: number) => Promise<void>) {
  const hmac = hmacSha256(key);
  const encoder = new TextEncoder();
  const before = new Uint8Array(32);
  for (const [i, id] of ids.entries()) {
    const rank = hmac.of(encoder.encode(id));
    let at = 0;
    while (at < 31 && rank[at] === before[at]) at += 1;
    if (i > 0 && (rank[at] as number) <= (before[at] as number)) return i + 1;
    before.set(rank);
    if (i % 100 === 0) await pause(0.3 + (0.7 * i) / ids.length);
  }
  return 0;
}

async function recompute(draw: Draw): Promise<boolean> {
  const { seed, digest, commitment, beacon, ids, entries } = draw;
  const pause = pauses();
  let holds = true;
  const step = (isRight: boolean, right: string, wrong: string) => {
    holds &&= isRight;
    const item = document.createElement('li');
    item.textContent = isRight ? `✓ ${right}` : `✗ ${wrong}`;
    item.className = isRight ? '' : 'bad';
    list?.append(item);
  };
  const seedBytes = fromHex(seed);
  step(
    (await hash(seedBytes)) === commitment,
    'The seed is the one whose fingerprint was published before the lobby opened.',
    'The seed is not the one whose fingerprint was published.',
  );
  step(
    ids.length === entries && (await hash(await lobbyText(ids, pause))) === digest,
    `The ${number.format(ids.length)} ids are those of the lobby when it was frozen.`,
    'The ids are not those of the lobby when it was frozen.',
  );
  const key = [...seedBytes, ...fromHex(digest), ...new TextEncoder().encode(beacon ?? '')];
  const wrong = await wrongNumber(ids, Uint8Array.from(key), pause);
  step(
    wrong === 0,
    beacon === null
      ? 'Seed and lobby give this very order.'
      : 'Seed, lobby and public value give this very order.',
    `Number ${number.format(wrong)} stands where the rule does not put it.`,
  );
  if (bar) bar.value = 1;
  return holds;
}

let known: Draw | null = null;
const say = (text: string, isBad = false) => {
  if (!verdict) return;
  verdict.textContent = text;
  verdict.className = isBad ? 'bad' : '';
};

function showPlace() {
  const id = field?.value.trim();
  if (!known || !place || !id) return;
  const at = known.ids.indexOf(id) + 1;
  place.textContent =
    at > 0
      ? `The id ${id} was drawn as number ${number.format(at)} of ${number.format(known.ids.length)}.`
      : `The id ${id} is not in this draw. Whoever came after the opening stands behind it.`;
}

form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (button?.disabled || !panel) return;
  if (known) return showPlace();
  if (button) button.disabled = true;
  if (bar) bar.hidden = false;
  list?.replaceChildren();
  say('Your browser is computing …');
  try {
    const response = await fetch(panel.dataset.draw ?? '', { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(String(response.status));
    const draw = (await response.json()) as Draw;
    const holds = await recompute(draw);
    known = draw;
    if (holds) say('The draw is what it says: your browser has computed the same order.');
    else say('This draw is NOT what it says. Keep this page and tell the organiser.', true);
    if (button) button.textContent = 'Find this id';
    showPlace();
  } catch {
    say('The draw could not be fetched. Please try again.', true);
  } finally {
    if (button) button.disabled = false;
    if (bar) bar.hidden = true;
  }
});
if (panel) panel.hidden = false;
