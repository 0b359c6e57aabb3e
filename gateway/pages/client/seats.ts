// The script of the seats page: keeps the seats that are shown in step with what others take and give back. First it asks
// for the whole map, then only for what has changed; the whole comes again where so much is not known any more, as after a
// restart of the shop. Without it a seat that has gone is refused when it is asked for.
import './countdown.ts';

type Whole = {
  version: number;
  sections: { name: string; rows: number; seatsPerRow: number }[];
  /** Base64, two bits a seat. */
  statuses: string;
};
type Changes = { version: number; changes: [seat: number, state: number][] };

const LOOK_MS = 2_000;
/** Without an answer each attempt comes so much later than the one before. */
const RETRY_GROWTH = 1.6;
const RETRY_MS_MAX = 15_000;
const ANSWER_MS_MAX = 10_000;
const OPEN = 0;

const form = document.querySelector<HTMLFormElement>('form[data-seats]');
const said = form?.querySelector('[data-show="gone"]');
const boxes = [...(form?.querySelectorAll<HTMLInputElement>('input[name="seat"]') ?? [])];

if (form?.dataset.seats && boxes.length > 0) {
  const url = form.dataset.seats;
  const gone = new Set<HTMLInputElement>();
  let boxAt = new Map<number, HTMLInputElement>();
  let version: number | null = null;
  let paceMs = LOOK_MS;
  let timer = 0;
  let asking = false;

  /** A seat that was chosen stays chosen, with a word about it: who wants all or none is not to get a part. */
  const show = () => {
    for (const box of boxes) {
      const isGone = gone.has(box);
      box.disabled = isGone && !box.checked;
      box.closest('label')?.classList.toggle('gone', isGone);
    }
    const lost = boxes.filter((box) => box.checked && gone.has(box)).map((box) => box.ariaLabel);
    const text = lost.length > 0 ? `Somebody was faster: ${lost.join('; ')}. Please choose another.` : '';
    if (said && said.textContent !== text) said.textContent = text;
  };

  const note = (seat: number, state: number) => {
    const box = boxAt.get(seat);
    if (!box) return;
    if (state === OPEN) gone.delete(box);
    else gone.add(box);
  };

  const noteAll = ({ sections, statuses }: Whole) => {
    const bytes = atob(statuses);
    const boxOf = new Map(boxes.map((box) => [box.value, box]));
    boxAt = new Map();
    let seat = 0;
    for (const { name, rows, seatsPerRow } of sections)
      for (let i = 0; i < rows * seatsPerRow; i += 1, seat += 1) {
        const box = boxOf.get(`${name}-${Math.floor(i / seatsPerRow) + 1}-${(i % seatsPerRow) + 1}`);
        if (!box) continue;
        boxAt.set(seat, box);
        note(seat, (bytes.charCodeAt(seat >> 2) >> (2 * (seat & 3))) & 3);
      }
  };

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
      const answer = (await response.json()) as Whole | Changes;
      if ('changes' in answer) for (const [seat, state] of answer.changes) note(seat, state);
      else noteAll(answer);
      version = answer.version;
      paceMs = LOOK_MS;
      show();
    } catch {
      // What is shown may be old then, and the shop decides anyway.
      paceMs = Math.min(RETRY_MS_MAX, paceMs * RETRY_GROWTH);
    } finally {
      asking = false;
      later(paceMs);
    }
  }

  const look = () => later(0);
  form.addEventListener('change', show);
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', look);
  window.addEventListener('pageshow', (event) => event.persisted && look());
  look();
}
