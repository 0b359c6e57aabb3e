import type { StatsAnswer } from '#shared/contract/stats.ts';
import type { Texts } from '../texts/en.ts';

/** Figures that are older are told to be so. */
export const FIGURES_AGE_MS_MAX = 5_000;
/** Of holds and orders, so many may fail, and the slowest hundredth take so long, before it is an alarm. */
const FAILED_SHARE_MAX = 0.02;
const BOOKING_MS_MAX = 1_500;
/** Waits below this are told in seconds. */
const SECONDS_TOLD_MAX = 120;

/** Words with `{name}` in them for what is filled in: templates, for they travel to the page's script. */
export type LiveWords = Texts['console']['live'];

/** How a page writes what is counted; the server and the page's script write alike. */
export type Writing = { number: (value: number) => string; clock: (iso: string) => string };

export type Tile = { id: keyof LiveWords['tiles']; value: string; note: string };

export const fill = (template: string, values: Record<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** The tiles of a moment, in their order; the same for the first page and for every event of the stream. */
export function tilesOf(stats: StatsAnswer, words: LiveWords, { number, clock }: Writing): Tile[] {
  const { notes } = words;
  const { seats, door, ended, estimateAccuracy: accuracy } = stats;
  const n = (values: Record<string, number>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, number(value)]));
  const percent = (share: number) => `${number(Math.round(share * 100))}\u00a0%`;
  const judged = accuracy.inside + accuracy.sooner + accuracy.later;
  const tile = (id: Tile['id'], value: string, ...parts: (string | false)[]): Tile => ({
    ...{ id, value },
    note: parts.filter(Boolean).join(' · '),
  });
  return [
    tile(
      'waiting',
      number(stats.waiting),
      stats.heldBackBy !== null && words.heldBackBy[stats.heldBackBy],
      stats.lobby > 0 && fill(notes.lobby, n({ lobby: stats.lobby })),
    ),
    tile(
      'ready',
      number(stats.ready),
      stats.returning > 0 && fill(notes.returning, n({ returning: stats.returning })),
    ),
    tile(
      'shopping',
      fill(words.of, n({ part: stats.admitted, whole: stats.capacity })),
      stats.overbooking > 0 && fill(notes.overbooking, n({ overbooking: stats.overbooking })),
    ),
    tile(
      'admitted',
      number(stats.admittedPerMinute),
      fill(notes.rate, n({ rate: stats.effectivePerMinute })),
      words.rateReason[stats.rateReason],
    ),
    tile('arriving', number(stats.joinedPerMinute), fill(notes.joined, n({ joined: stats.joined }))),
    seats
      ? tile('sold', number(seats.sold), fill(notes.seats, n({ ...seats })))
      : tile('sold', '–', notes.seatsUnknown),
    tile(
      'noShows',
      stats.noShowShare === null ? '–' : percent(stats.noShowShare),
      stats.noShowShare === null ? notes.noShowsUnknown : fill(notes.missed, n({ missed: ended.missed })),
    ),
    tile(
      'wait',
      stats.estimate ? waitOf(stats.estimate, words, number) : '–',
      judged === 0
        ? notes.accuracyUnknown
        : fill(notes.accuracy, {
            inside: percent(accuracy.inside / judged),
            sooner: percent(accuracy.sooner / judged),
            later: percent(accuracy.later / judged),
          }),
    ),
    tile(
      'booking',
      door.p50Ms === null || door.p99Ms === null
        ? '–'
        : fill(words.latency, n({ p50: door.p50Ms, p99: door.p99Ms })),
      fill(notes.booking, n({ requests: door.requests, errors: door.errors })),
    ),
    tile('ended', number(ended.finished), fill(notes.ended, n({ ...ended }))),
    tile('age', ageOf(stats.ageMs, words, number), fill(notes.asOf, { time: clock(stats.asOf) })),
  ];
}

export const ageOf = (ageMs: number, words: LiveWords, number: Writing['number']): string =>
  fill(words.seconds, { seconds: number(Math.floor(ageMs / 1000)) });

function waitOf(
  { lowSeconds, highSeconds }: NonNullable<StatsAnswer['estimate']>,
  words: LiveWords,
  number: Writing['number'],
): string {
  if (highSeconds <= SECONDS_TOLD_MAX)
    return fill(words.waitSeconds, { low: number(lowSeconds), high: number(highSeconds) });
  const [low, high] = [Math.floor(lowSeconds / 60), Math.ceil(highSeconds / 60)];
  return fill(words.waitMinutes, { low: number(low), high: number(high) });
}

/** What an organiser must know at once, in words, of figures that are this old by now. */
export function alarmsOf(
  { door, seats, durable, rateReason }: StatsAnswer,
  ageMs: number,
  words: LiveWords,
  number: Writing['number'],
): string[] {
  const { alarms } = words;
  const found: string[] = [];
  if (ageMs > FIGURES_AGE_MS_MAX)
    found.push(fill(alarms.old, { seconds: number(FIGURES_AGE_MS_MAX / 1000) }));
  if (door.errors > door.requests * FAILED_SHARE_MAX)
    found.push(fill(alarms.failing, { errors: number(door.errors), requests: number(door.requests) }));
  if ((door.p99Ms ?? 0) > BOOKING_MS_MAX) found.push(fill(alarms.slow, { p99: number(door.p99Ms ?? 0) }));
  if (rateReason === 'slow' || rateReason === 'errors') found.push(alarms.slowed);
  if (seats === null) found.push(alarms.seatsUnknown);
  if (!durable) found.push(alarms.notDurable);
  return found;
}
