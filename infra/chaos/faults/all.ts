import type { Fault } from '../fault.ts';
import { bothStoresFaults } from './both-stores.ts';
import { clockFaults } from './clocks.ts';
import { postgresFaults } from './postgres.ts';
import { redisFaults } from './redis.ts';
import { serviceFaults } from './services.ts';
import { wayFaults } from './ways.ts';

/** Every fault that a campaign knows. */
export const allFaults: Fault[] = [
  ...serviceFaults,
  ...redisFaults,
  ...postgresFaults,
  ...bothStoresFaults,
  ...wayFaults,
  ...clockFaults,
];
