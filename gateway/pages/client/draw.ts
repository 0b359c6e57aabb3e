// The script of the draw's page: computes the order again in the reader's own browser, a few milliseconds at a time, and
// says in words what came out. It trusts nothing but the published draw itself, and judges by the rules of verify-draw.
import { hmacSha256, sha256 } from '../../../shared/sha256.ts';
import { judgeDraw, type Means, type PublicDraw, type Step, type StepName } from '../../lobby/judgement.ts';
import { sayIn, tagOf } from '../words.ts';

const STEP_MS = 12;
const marks: Record<Step['kind'], string> = { proven: '✓', broken: '✗', open: '○' };
const panel = document.querySelector<HTMLElement>('[data-draw]');
/** The words stand in the page, in its language. */
type Said = 'computing' | 'holds' | 'broken' | 'unreadable' | 'findId' | 'place' | 'noPlace';
const words = (name: 'said' | 'steps') => JSON.parse(panel?.dataset[name] ?? '{}');
const tag = tagOf(document.documentElement.lang);
const inWords = sayIn<Said>(tag, words('said'));
const say: Means['say'] = sayIn<StepName>(tag, words('steps'));
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

const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The browser's own SHA-256 works beside the page; it is there on https only. */
async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  return toHex(subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : sha256(bytes));
}

/** Tells every step as it comes; whether none is broken. */
async function recompute(sale: string, draw: PublicDraw): Promise<boolean> {
  const means: Means = { sha256: hash, hmacSha256: (key) => hmacSha256(key).of, pause: pauses(), say };
  let holds = true;
  for await (const { kind, text } of judgeDraw(sale, draw, means)) {
    holds &&= kind !== 'broken';
    const item = document.createElement('li');
    item.textContent = `${marks[kind]} ${text}`;
    item.className = kind === 'broken' ? 'bad' : '';
    list?.append(item);
  }
  if (bar) bar.value = 1;
  return holds;
}

let known: string[] | null = null;
const judge = (name: Said, isBad = false) => {
  if (!verdict) return;
  verdict.textContent = inWords(name);
  verdict.className = isBad ? 'bad' : '';
};

function showPlace() {
  const id = field?.value.trim();
  if (!known || !place || !id) return;
  const at = known.indexOf(id) + 1;
  place.textContent =
    at > 0 ? inWords('place', { id, number: at, count: known.length }) : inWords('noPlace', { id });
}

form?.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (button?.disabled || !panel) return;
  if (known) return showPlace();
  if (button) button.disabled = true;
  if (bar) bar.hidden = false;
  list?.replaceChildren();
  judge('computing');
  try {
    const { sale = '' } = panel.dataset;
    const response = await fetch(`/api/sales/${sale}/draw`, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(String(response.status));
    const draw = (await response.json()) as PublicDraw & { state: string };
    // Another gateway may not have heard yet that it is drawn.
    if (draw.state !== 'drawn') throw new Error(draw.state);
    const holds = await recompute(sale, draw);
    known = draw.ids ?? [];
    judge(holds ? 'holds' : 'broken', !holds);
    if (button) button.textContent = inWords('findId');
    showPlace();
  } catch {
    judge('unreadable', true);
  } finally {
    if (button) button.disabled = false;
    if (bar) bar.hidden = true;
  }
});
if (panel) panel.hidden = false;
