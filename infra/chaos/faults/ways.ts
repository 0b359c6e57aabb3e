import { every } from '#shared/every.ts';
import type { Ill, TcpProxy } from '../../testing/proxy.ts';
import { type Fault, TURN_PAUSE_MS_MAX } from '../fault.ts';
import { allOf, joinsAreRefused, shoppingGoesOn } from '../meanwhile.ts';
import type { ChaosShop } from '../shop.ts';

type Way = keyof ChaosShop['ways'];

const CUT_EVERY_MS = 300;

/** What happens to a way, and what ends it. */
const ills: Record<string, (ways: TcpProxy[]) => () => unknown> = {
  'delays by 300 ms': ailing({ delayMs: 300 }),
  'comes in pieces of three bytes': ailing({ sliceBytes: 3 }),
  'loses every twentieth reply': ailing({ cutReplyEvery: 20 }),
  'is cut every 300 ms': (ways) =>
    every(
      CUT_EVERY_MS,
      async () => {
        for (const way of ways) way.cut();
      },
      () => undefined,
    ),
  stalls: (ways) => {
    for (const way of ways) way.stall();
    return () => {
      for (const way of ways) way.cut();
    };
  },
};

function ailing(ill: Ill) {
  return (ways: TcpProxy[]) => {
    for (const way of ways) way.ail(ill);
    return () => {
      for (const way of ways) way.ail({});
    };
  };
}

/** Without Redis'. */
const to: Way[] = ['PostgreSQL', 'the booking services'];

/** One gateway has lost Redis, and the others have not. */
export const cutOff: Fault = {
  name: 'one gateway alone is cut off from Redis',
  of: 'services',
  lastsMs: { short: 3_000, long: 10_000 },
  inject: async ({ gateways, waysToRedis, random }) => {
    const way = waysToRedis.get(random.pick(gateways));
    way?.stall();
    return async () => way?.cut();
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
};

const illWays = (way: Way): Fault[] =>
  Object.entries(ills).map(([what, begin]) => ({
    name: `the way to ${way} ${what}`,
    of: way === 'the booking services' ? 'services' : 'stores',
    lastsMs: { short: 2_500, long: 8_000 },
    inject: async ({ ways }) => {
      const end = begin(ways[way]);
      return async () => {
        await end();
      };
    },
    ...(way === 'Redis' && what === 'stalls' ? { meanwhile: allOf(joinsAreRefused, shoppingGoesOn) } : {}),
  }));

export const wayFaults: Fault[] = to.flatMap(illWays);
export const redisWayFaults: Fault[] = illWays('Redis');
