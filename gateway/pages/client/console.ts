// The console's script: live figures and charts of a sale, and forms that grow while one writes. Words come with the page.
import type { SaleState } from '#shared/contract/sale.ts';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { ageOf, alarmsOf, FIGURES_AGE_MS_MAX, fill, type LiveWords, tilesOf } from '../console/figures.ts';
import { drawCharts, type Mark, type Sample } from './console-charts.ts';

/** A quiet stream says nothing for seconds: by then the figures are asked for. */
const QUIET_MS_MAX = 1_500;
const ASK_TIMEOUT_MS = 4_000;
const STREAM_AGAIN_MS = 5_000;
const SAMPLE_EVERY_MS = 2_000;
/** Ten minutes. */
const SAMPLES_MAX = 300;
const PREVIEW_AFTER_MS = 300;
const UNAUTHORISED = 401;

const language = document.documentElement.lang;
const numbers = new Intl.NumberFormat(`${language}-u-nu-latn`);
const number = (value: number) => numbers.format(value);

function followSale(root: HTMLElement) {
  const sale = root.dataset.sale ?? '';
  const words = JSON.parse(root.dataset.words ?? '{}') as LiveWords & { states: Record<SaleState, string> };
  const clockFormat = new Intl.DateTimeFormat(`${language}-u-nu-latn`, {
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
    ...{ timeZone: root.dataset.zone ?? 'UTC', timeZoneName: 'short' },
  });
  const clock = (iso: string) => clockFormat.format(new Date(iso));
  const path = `/organiser/sales/${sale}`;

  let stats = JSON.parse(root.dataset.stats ?? 'null') as StatsAnswer | null;
  let heardAt = performance.now() - (performance.now() > QUIET_MS_MAX ? QUIET_MS_MAX : 0);
  let knownVersion = Number(root.dataset.version);
  let isSignedOut = false;
  let isAsking = false;
  let isCut = false;
  const samples = readSamples(sale);
  let marks = readMarks(document);

  const ageMs = () => (stats?.ageMs ?? 0) + performance.now() - heardAt;

  const hear = (heard: StatsAnswer) => {
    // Of two that were under way the younger counts.
    if (stats && Date.parse(heard.asOf) < Date.parse(stats.asOf)) return;
    stats = heard;
    heardAt = performance.now();
    show(heard);
    if (heard.version > knownVersion) void renewActs(heard.version);
  };

  const show = (shown: StatsAnswer) => {
    for (const { id, value, note } of tilesOf(shown, words, { number, clock })) {
      put(`#tile-${id} .value`, value);
      put(`#tile-${id} .note`, note);
    }
    const pill = root.querySelector<HTMLElement>('.pill');
    if (pill && pill.dataset.state !== shown.state) {
      pill.dataset.state = shown.state;
      pill.className = `pill ${shown.state}`;
      pill.textContent = words.states[shown.state];
    }
  };

  const showAlarms = () => {
    const alarms = stats ? alarmsOf(stats, ageMs(), words, number) : [];
    if (isSignedOut) alarms.unshift(words.alarms.signedOut);
    else if (isCut) alarms.unshift(words.alarms.cut);
    if (stats && stats.version > Number(root.dataset.version)) alarms.push(words.changed);
    const box = document.querySelector<HTMLElement>('#alarms');
    const told = alarms.length > 0 ? alarms : [words.calm];
    // Figures that go on counting are no news to whoever listens; the tiles have them.
    const news = told.join('\n').replace(/\d+/g, '#');
    if (!box || box.dataset.told === news) return;
    box.dataset.told = news;
    box.className = `card ${alarms.length > 0 ? 'problem' : 'calm'}`;
    box.replaceChildren(
      ...told.map((text) => Object.assign(document.createElement('p'), { textContent: text })),
    );
    document.querySelector('#tile-age')?.classList.toggle('bad', ageMs() > FIGURES_AGE_MS_MAX);
  };

  const ask = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(`${path}/stats`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
      isSignedOut = answer.status === UNAUTHORISED;
      if (answer.ok) hear((await answer.json()) as StatsAnswer);
    } catch {
      // No answer: the age of the figures says so.
    } finally {
      isAsking = false;
    }
  };

  /** A change of somebody, here or elsewhere: what was done is told anew, the forms are left as they are. */
  const renewActs = async (version: number) => {
    knownVersion = version;
    const answer = await fetch(path, { headers: { accept: 'text/html' } }).catch(() => null);
    if (!answer?.ok) return;
    const renewed = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const acts = renewed.querySelector('#acts');
    if (acts) document.querySelector('#acts')?.replaceWith(acts);
    marks = readMarks(document);
  };

  const connect = () => {
    const stream = new EventSource(`${path}/stats/stream`);
    stream.onopen = () => {
      isCut = false;
    };
    stream.onmessage = ({ data }) => hear(JSON.parse(data) as StatsAnswer);
    stream.onerror = () => {
      isCut = true;
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, STREAM_AGAIN_MS);
    };
    addEventListener('pagehide', () => stream.close(), { once: true });
  };

  const sample = () => {
    if (!stats || ageMs() > FIGURES_AGE_MS_MAX) return;
    samples.push(sampleOf(stats));
    samples.splice(0, samples.length - SAMPLES_MAX);
    keepSamples(sale, samples);
    draw();
  };
  const draw = () => drawCharts(samples, marks, { number, clock });

  document.querySelector<HTMLElement>('#charts')?.removeAttribute('hidden');
  const [first] = samples;
  put('[data-since]', fill(words.since, { time: clock(new Date(first?.at ?? Date.now()).toISOString()) }));
  connect();
  // A page that comes back out of the browser's memory has no stream any more.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  addEventListener('resize', draw);
  // Does not bubble, so it is heard on its way down.
  root.addEventListener('toggle', draw, true);
  setInterval(() => {
    if (performance.now() - heardAt > QUIET_MS_MAX) void ask();
    if (stats) put('#tile-age .value', ageOf(ageMs(), words, number));
    showAlarms();
  }, 500);
  setInterval(sample, SAMPLE_EVERY_MS);
  sample();
}

function put(selector: string, text: string) {
  const element = document.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}

const sampleOf = (stats: StatsAnswer): Sample => ({
  at: Date.parse(stats.asOf) + stats.ageMs,
  values: {
    joinedPerMinute: stats.joinedPerMinute,
    admittedPerMinute: stats.admittedPerMinute,
    effectivePerMinute: stats.effectivePerMinute,
    waiting: stats.waiting,
    admitted: stats.admitted,
    capacity: stats.capacity,
    ...(stats.seats ? { sold: stats.seats.sold, held: stats.seats.held } : {}),
  },
});

const readMarks = (page: Document): Mark[] =>
  JSON.parse(page.querySelector<HTMLElement>('#acts')?.dataset.acts ?? '[]');

/** A reload, which every control makes, does not begin the charts anew. */
function readSamples(sale: string): Sample[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(`samples-${sale}`) ?? '[]') as Sample[];
    const oldest = Date.now() - SAMPLES_MAX * SAMPLE_EVERY_MS;
    return kept.filter(({ at }) => at > oldest);
  } catch {
    return [];
  }
}

function keepSamples(sale: string, samples: Sample[]) {
  try {
    sessionStorage.setItem(`samples-${sale}`, JSON.stringify(samples));
  } catch {
    // Full or forbidden: the charts begin anew with the next page.
  }
}

/** The preview of a message, as it is written. */
function previewNotice() {
  const box = document.querySelector<HTMLElement>('[data-preview]');
  const text = document.querySelector<HTMLTextAreaElement>('#notice-text');
  text?.addEventListener('input', () => {
    const written = text.value.trim().replace(/\s+/g, ' ');
    box?.toggleAttribute('hidden', written === '');
    put('[data-preview-text]', written);
  });
}

/** Adding and taking away sections, and the preview of the hall, without leaving the page: the server makes both. */
function growForm(form: HTMLFormElement) {
  let asked = 0;
  const ask = async (look: string): Promise<Document | null> => {
    asked += 1;
    const mine = asked;
    const body = new URLSearchParams([...new FormData(form)] as [string, string][]);
    body.set('look', look);
    const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'text/html' } });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    // Something was written meanwhile: its own answer is on the way.
    return mine === asked && answer.ok ? page : null;
  };
  const take = (page: Document | null, selector: string) => {
    const [now, next] = [document.querySelector(selector), page?.querySelector(selector)];
    if (now && next) now.replaceWith(next);
  };
  let timer = 0;
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => take(await ask('preview').catch(() => null), '#hall'), PREVIEW_AFTER_MS);
  });
  form.addEventListener('submit', async (event) => {
    const { submitter } = event;
    if (!(submitter instanceof HTMLButtonElement) || submitter.name !== 'look') return;
    event.preventDefault();
    const look = submitter.value;
    const page = await ask(look).catch(() => null);
    if (!page) return;
    take(page, '#sections');
    take(page, '#hall');
    const names = document.querySelectorAll<HTMLInputElement>('#sections input[name$="-name"]');
    if (look === 'add') names[names.length - 1]?.focus();
    else names[0]?.focus();
  });
}

const live = document.querySelector<HTMLElement>('#live');
if (live) followSale(live);
const eventForm = document.querySelector<HTMLFormElement>('form[data-hall]');
if (eventForm) growForm(eventForm);
previewNotice();
