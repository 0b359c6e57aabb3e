import { type Fault, orUndone } from '../fault.ts';
import { redisOf } from '../shop.ts';
import { RESTART_MS } from './redis.ts';

/** Nothing is left but what the services have in memory. */
export const bothStoresFaults: Fault[] = [
  {
    name: 'Redis killed and PostgreSQL crashed at once',
    of: 'stores',
    lastsMs: { short: 1_000, long: 5_000 },
    recoveryMs: RESTART_MS,
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      const { database } = injecting;
      const startBoth = () => Promise.all([redis.start(), database.start()]);
      return orUndone(startBoth, () => Promise.all([redis.kill(), database.crash()]));
    },
  },
  {
    name: 'Redis and PostgreSQL stopped at once',
    of: 'stores',
    lastsMs: { short: 3_000, long: 10_000 },
    leftOut:
      process.platform === 'linux'
        ? null
        : 'the backends of PostgreSQL are found by /proc, which is Linux only',
    inject: async (injecting) => {
      const redis = redisOf(injecting);
      const { database } = injecting;
      redis.freeze();
      database.freeze();
      return async () => {
        database.thaw();
        redis.thaw();
      };
    },
  },
];
