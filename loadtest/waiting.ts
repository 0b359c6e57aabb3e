import exec from 'k6/execution';
import { Rate } from 'k6/metrics';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { measureSteps, recordEnd } from './lib/record.ts';
import { openSale } from './lib/sale.ts';
import { leanTags, setting } from './lib/settings.ts';
import { placeThresholds, WaitingFan } from './lib/waiting-fan.ts';

// A crowd waits and asks where it stands, so many polls a second in all, for a long time. Turns go on slowly: whoever has one
// makes room and goes, and somebody else comes to the end. Each virtual user has many fans, whom it asks for one after
// another: polls come at their rate, whatever becomes of those before them.

const rate = setting('RATE', 3_000, 1, 100_000);
const seconds = setting('SECONDS', 600, 1, 86_400);
/** As far from the front as most of them stand, a gateway asks them to come every 15 s (gateway/queue/pace.ts). */
const POLL_SECONDS = 15;
const fans = setting('FANS', rate * POLL_SECONDS, 2, 1_000_000);
/** How fast they come before, at most. */
const comingSeconds = Math.ceil(fans / setting('JOINS', 1_000, 1, 100_000));
const joinsPerSecond = Math.ceil(fans / comingSeconds);
/** Where answers take this long, k6 has no virtual user for the next poll. */
const ANSWER_SECONDS = 0.25;
/** From joins to polls in the full number: nobody's crowd comes to ask in one moment, and nothing has met it cold then. */
const RISING_SECONDS = 10;
const VIRTUAL_USERS_MIN = 20;
const VIRTUAL_USERS_MAX = 8_000;
const virtualUsers = Math.min(
  VIRTUAL_USERS_MAX,
  fans,
  Math.max(VIRTUAL_USERS_MIN, Math.ceil(ANSWER_SECONDS * Math.max(rate, joinsPerSecond))),
);

/** When all is over each virtual user writes down what its fans were told last: they take turns, so all of them come to it. */
const TELLING_SECONDS = 2;
const tellingRate = virtualUsers;

/** Anything but a position: at most one in ten thousand. */
const FAILED_MAX = 0.0001;
/** Joins and leaves are not what is measured here. */
const OTHERS_MS_MAX = 1_000;
/** What a turn costs is not the matter: ten a second, of which each is noticed within a poll or two. */
const TURNS_A_MINUTE = 600;
const ROOM = 2_000;
const secondsBetweenPolls = Math.ceil(fans / rate);

/** Polls in each tenth of the time: how flat it goes. Tags of one measure, for each further one costs a virtual user 8 KB. */
const TENTHS = 10;
const tenths = Array.from({ length: TENTHS }, (_, i) => ({ tenth: String(i + 1) }));
const failed = new Rate('polls_failed');

const thresholds = measureSteps(100, ['join', 'poll', 'leave']);
const othersMs = Math.max(OTHERS_MS_MAX, setting('ANSWER_MS', OTHERS_MS_MAX, 1, 60_000));

export const options: Options = {
  scenarios: {
    waiting: {
      executor: 'ramping-arrival-rate',
      ...{ startRate: joinsPerSecond, timeUnit: '1s' },
      ...{ preAllocatedVUs: virtualUsers, maxVUs: virtualUsers, gracefulStop: '30s' },
      stages: [
        { target: joinsPerSecond, duration: `${comingSeconds}s` },
        { target: rate, duration: `${RISING_SECONDS}s` },
        { target: rate, duration: `${seconds}s` },
        { target: tellingRate, duration: '0s' },
        { target: tellingRate, duration: `${TELLING_SECONDS}s` },
      ],
    },
  },
  thresholds: {
    ...thresholds,
    // k6 exports what it measured with a tag only where there is a threshold for it.
    ...Object.fromEntries(tenths.map(({ tenth }) => [`poll_ms{tenth:${tenth}}`, []])),
    join_ms: [`p(99)<${othersMs}`],
    leave_ms: [`p(99)<${othersMs}`],
    // An answer that is missing is one of those that failed.
    unanswered: [],
    polls_failed: [`rate<${FAILED_MAX}`],
    dropped_iterations: ['count==0'],
    ...placeThresholds,
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  systemTags: leanTags,
  setupTimeout: '60s',
};

export const setup = (): SaleRecord =>
  openSale(`Load test: ${fans} fans wait`, [{ name: 'A', rows: 100, seatsPerRow: 100 }], {
    ...{ capacity: ROOM, admitPerMinute: TURNS_A_MINUTE, seatsPerFan: 2 },
    ...{ claimSeconds: Math.min(3_600, 60 + 4 * secondsBetweenPolls), admissionSeconds: 600 },
    ...{ holdSeconds: 60, graceSeconds: Math.min(86_400, 900 + 4 * secondsBetweenPolls) },
  });

/** This virtual user's. */
const mine: WaitingFan[] = [];
let asked = 0;
let came = 0;
let isComing = true;
/** By k6's clock; known from the first moment on: from here they come at their full rate, and are counted. */
let pollsFrom = 0;

export default function oneMoment(sale: SaleRecord): void {
  pollsFrom ||= exec.scenario.startTime + (comingSeconds + RISING_SECONDS) * 1_000;
  if (Date.now() >= pollsFrom + seconds * 1_000) {
    for (const fan of mine) fan.tellLast();
    return;
  }
  isComing &&= exec.scenario.iterationInTest < fans;
  if (isComing || mine.length === 0) {
    const fan = comes(sale);
    if (fan) mine.push(fan);
    return;
  }
  const at = asked % mine.length;
  asked += 1;
  const fan = mine[at] as WaitingFan;
  const state = fan.poll(tenths[tenthNow()]);
  failed.add(state === null);
  if (state === null || state === 'waiting') return;
  recordEnd(fan.name, state === 'ready' ? 'had a turn and made room' : `ended as ${state}`);
  fan.leave();
  const next = comes(sale);
  if (next) mine[at] = next;
  else mine.splice(at, 1);
}

/** Null when the sale takes nobody. */
function comes({ sale }: SaleRecord): WaitingFan | null {
  came += 1;
  const fan = new WaitingFan(sale, `fan-${__VU}-${came}`);
  return fan.join() ? fan : null;
}

const tenthNow = (): number =>
  Math.min(TENTHS - 1, Math.floor((TENTHS * (Date.now() - pollsFrom)) / (seconds * 1_000)));
