import type { Fault } from '../fault.ts';
import { postgresFaults } from './postgres.ts';
import { redisFaults } from './redis.ts';
import { serviceFaults } from './services.ts';
import { wayFaults } from './ways.ts';

const clocksApart: Fault = {
  name: 'the clocks of gateway and booking service 90 s apart',
  of: 'services',
  lastsMs: { short: 0, long: 0 },
  leftOut:
    'the services have no clock that could be shifted; tests with clocks of their own stand beside the code',
  inject: async () => async () => undefined,
};

/** Every fault that a campaign knows. */
export const allFaults: Fault[] = [
  ...serviceFaults,
  ...redisFaults,
  ...postgresFaults,
  ...wayFaults,
  clocksApart,
];
