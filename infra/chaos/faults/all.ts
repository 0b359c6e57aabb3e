import type { Fault } from '../fault.ts';
import { bothStoresFaults } from './both-stores.ts';
import { clockFaults } from './clocks.ts';
import { clusterFaults } from './cluster.ts';
import { postgresFaults } from './postgres.ts';
import { redisFaults } from './redis.ts';
import { serviceFaults } from './services.ts';
import { cutOff, redisWayFaults, wayFaults } from './ways.ts';

/** Every fault that a campaign knows, against a shop on one Redis. */
export const allFaults: Fault[] = [
  ...serviceFaults,
  ...redisFaults,
  ...postgresFaults,
  ...bothStoresFaults,
  ...redisWayFaults,
  ...wayFaults,
  cutOff,
  ...clockFaults,
];

const leftOut = (why: string) => (fault: Fault) => ({ ...fault, leftOut: why });

/** The same on a cluster of them. */
export const allClusterFaults: Fault[] = [
  ...serviceFaults,
  ...clusterFaults,
  ...postgresFaults,
  ...wayFaults,
  ...clockFaults,
  ...[...redisFaults, ...bothStoresFaults].map(leftOut('it is about one Redis')),
  ...[...redisWayFaults, cutOff].map(leftOut('nodes of a cluster tell everybody their own addresses')),
];
