import type { ServiceName } from '../../testing/services.ts';
import { type Fault, orUndone, TURN_PAUSE_MS_MAX } from '../fault.ts';
import type { ChaosShop } from '../shop.ts';

/** Less than the 120 s that are tolerated (CLOCK_TOLERANCE_SECONDS), and more than an admission of the sale lasts. */
const APART_MS = 90_000;
const SHIFTED = `--import=${new URL('../shifted-clock.mjs', import.meta.url).href}`;

/** Some machines' clocks are wrong; the stores' and the others' are right. */
const wrong = (whose: string, among: (shop: ChaosShop) => ServiceName[], shiftMs: number): Fault => ({
  name: `the clock of ${whose} ${APART_MS / 1_000} s ${shiftMs > 0 ? 'ahead' : 'behind'}`,
  of: 'services',
  lastsMs: { short: 5_000, long: 30_000 },
  isLong: true,
  inject: async (injecting) => {
    const restart = async (env: Record<string, string>) => {
      for (const name of among(injecting)) await injecting.services.restart(name, { env });
    };
    const setRight = () => restart({ NODE_OPTIONS: '' });
    return orUndone(setRight, () => restart({ NODE_OPTIONS: SHIFTED, CLOCK_SHIFT_MS: String(shiftMs) }));
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
});

export const clockFaults: Fault[] = [APART_MS, -APART_MS].flatMap((shiftMs) => [
  wrong('a gateway', ({ gateways }) => gateways.slice(-1), shiftMs),
  wrong('all gateways', ({ gateways }) => gateways, shiftMs),
  wrong('booking services and worker', ({ bookings }) => [...bookings, 'worker'], shiftMs),
]);
