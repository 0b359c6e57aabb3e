import { columns } from '../report/columns.ts';
import type { Evening, Moment, Played } from './evening.ts';
import { BUSY_SHARE_MAX, type Needs } from './needs.ts';

const PERCENT = 100;
/** What is needed, and why; between them how much. */
const WORDS: ReadonlySet<number> = new Set([0, 2]);
const CHART_COLUMNS = 60;
const CHART_ROWS = 8;
const SHARES = [0.1, 0.5, 0.9, 0.99, 1];

/** What `npm run plan` prints. */
export function describePlan(evening: Evening, played: Played, needs: Needs): string {
  const { moments } = played;
  const most = (of: (moment: Moment) => number) => Math.max(0, ...chunks(moments.map(of)));
  const waits = Float64Array.from(played.waits).sort();
  const waited = SHARES.map((share) => {
    const at = Math.max(0, Math.ceil(share * waits.length) - 1);
    return `${share * PERCENT} % within ${time(waits[at] ?? 0)}`;
  });
  const lines = [
    `${count(evening.fans)} fans within ${time(evening.arriveSeconds)}, ${count(evening.seats)} seats, ${count(evening.admitPerMinute)} turns a minute, ${count(evening.capacity)} in the shop at a time.`,
    '',
    played.soldOutSecond === null
      ? `Everybody has been through after ${time(moments.length)}; ${count(evening.seats - played.seatsSold)} seats are left.`
      : `Sold out after ${time(played.soldOutSecond)}.`,
    `  ${count(played.bought)} fans buy ${count(played.seatsSold)} seats; ${count(played.missed)} miss their turn, ${count(played.gaveUp)} give up, ${count(played.tooLate)} find it sold out.`,
    `  ${count(played.waits.length)} get a turn: ${waited.join(', ')}.`,
    '',
    chart('who wait', moments, ({ waiting }) => waiting),
    '',
    row('at the most, a second', ['joins', most((m) => m.joins)], ['polls', most((m) => m.polls)]),
    row(
      '',
      ['turns', most((m) => m.turns)],
      ['holds', most((m) => m.holds)],
      ['orders', most((m) => m.orders)],
    ),
    '',
    `Extrapolated from one process of each, at ${BUSY_SHARE_MAX * PERCENT} % of a core, and one more than are needed (docs/capacity.md):`,
    '',
    ...table(needs),
  ];
  return lines.join('\n');
}

function table({ gateway, booking, worker, postgres, redis, network }: Needs): string[] {
  const busy = (share: number) => `${(share * PERCENT).toFixed(0)} % busy`;
  const rows = [
    [
      'gateways',
      String(gateway.count),
      `${busy(gateway.busyShare)} at ${time(gateway.second)}: ${count(gateway.streams)} streams, ${count(gateway.polls)} polls/s`,
    ],
    ['booking services', String(booking.count), `${busy(booking.busyShare)} at ${time(booking.second)}`],
    ['workers', String(worker.count), busy(worker.busyShare)],
    ['PostgreSQL', `${postgres.cores.toFixed(1)} cores`, `at ${time(postgres.second)}`],
    ['Redis', bytes(redis.bytes), `${busy(redis.busyShare)} at ${time(redis.second)}`],
    [
      'network',
      `${bits(network.bitsPerSecond)}`,
      `at ${time(network.second)}; pages beside it ${bits(network.pageBitsPerSecond)}, which a CDN takes`,
    ],
  ];
  const lines = columns(rows, WORDS).map((line) => `  ${line}`);
  if (redis.busyShare > BUSY_SHARE_MAX)
    lines.push(
      '',
      'One Redis would be too busy: several sales may lie on several masters, one sale may not. Let fewer come at once (a lobby).',
    );
  return lines;
}

const row = (what: string, ...figures: [string, number][]) =>
  `${what.padEnd(24)}${figures.map(([name, value]) => `${count(value).padStart(9)} ${name}`).join('')}`;

/** A figure over the whole evening; each column shows the most of its time. */
function chart(title: string, moments: Moment[], of: (moment: Moment) => number): string {
  const width = Math.max(1, Math.ceil(moments.length / CHART_COLUMNS));
  const columns: number[] = [];
  for (let i = 0; i < moments.length; i += width)
    columns.push(Math.max(...moments.slice(i, i + width).map(of)));
  const top = Math.max(1, ...columns);
  const rows = Array.from({ length: CHART_ROWS }, (_, i) => {
    const least = ((CHART_ROWS - 1 - i) / CHART_ROWS) * top;
    return `  ${columns
      .map((value) => (value > least ? '█' : ' '))
      .join('')
      .trimEnd()}`;
  });
  return [
    `  ${title}, at the most ${count(top)}`,
    ...rows,
    `  0${time(moments.length).padStart(columns.length - 1)}`,
  ].join('\n');
}

/** The greatest of each thousand: an evening has more seconds than a call may have arguments. */
function chunks(values: number[]): number[] {
  const most: number[] = [];
  for (let i = 0; i < values.length; i += 1_000) most.push(Math.max(...values.slice(i, i + 1_000)));
  return most;
}

const count = (value: number) => Math.round(value).toLocaleString('en');

function time(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200)
    return `${Math.floor(seconds / 60)} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3_600)} h ${String(Math.floor((seconds % 3_600) / 60)).padStart(2, '0')} min`;
}

const bytes = (value: number) => `${Math.ceil(value / 1024 / 1024).toLocaleString('en')} MiB`;
const bits = (value: number) =>
  value >= 1e9 ? `${(value / 1e9).toFixed(1)} Gbit/s` : `${Math.ceil(value / 1e6)} Mbit/s`;
