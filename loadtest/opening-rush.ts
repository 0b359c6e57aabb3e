import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import type { SaleRecord } from '../infra/history/record.ts';
import { randomOf } from './lib/random.ts';
import { setting } from './lib/settings.ts';
import { openSaleFor, wholeFan, wholeFanThresholds } from './lib/whole-fan.ts';

// A crowd comes to a lobby, most of them in its last third; then the sale opens, the draw gives them their places, and more
// fans come behind. That the draw is what was published of it is judged afterwards (campaigns/opening-rush.ts).

const fans = setting('FANS', 300, 2, 100_000);
/** Those who come after the opening. */
const late = setting('LATE', Math.max(1, Math.round(fans / 5)), 1, 100_000);
const lobbySeconds = setting('LOBBY_SECONDS', 20, 5, 3_600);
/** In which those come. */
const seconds = setting('SECONDS', 10, 1, 3_600);
/** In which everybody is to have had a turn. */
const TURNS_SECONDS = 20;
/** k6 begins within this time after the sale was made, and the last of the lobby are there this long before it ends. */
const MARGIN_SECONDS = 2;
const HURRIED_SHARE = 0.6;
const ANSWER_MS = 3_000;
const MINUTES_MAX = 60;

const once = (vus: number, exec: string, startSeconds: number) => ({
  ...{ executor: 'per-vu-iterations' as const, vus, iterations: 1, exec },
  ...{ startTime: `${startSeconds}s`, maxDuration: `${MINUTES_MAX}m`, gracefulStop: '0s' },
});

export const options: Options = {
  scenarios: {
    lobby: once(fans, 'comesToTheLobby', 0),
    late: once(late, 'comesLate', lobbySeconds + MARGIN_SECONDS),
  },
  thresholds: wholeFanThresholds(ANSWER_MS),
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

export const setup = (): SaleRecord => {
  const turnsPerSecond = Math.ceil((fans + late) / TURNS_SECONDS);
  const name = `Load test: a lobby of ${fans}`;
  return openSaleFor(name, fans + late, turnsPerSecond, turnsPerSecond, lobbySeconds);
};

export function comesToTheLobby(sale: SaleRecord): void {
  const random = randomOf(fans + late + exec.scenario.iterationInTest);
  const from = random() < HURRIED_SHARE ? 2 / 3 : 0;
  sleep((from + (1 - from) * random()) * (lobbySeconds - 2 * MARGIN_SECONDS));
  wholeFan(sale, 'lobby');
}

export function comesLate(sale: SaleRecord): void {
  sleep(seconds * randomOf(2 * (fans + late) + exec.scenario.iterationInTest)());
  wholeFan(sale, 'late');
}
