import type { ClusterNode, OwnRedisCluster } from '../../testing/redis-cluster.ts';
import { type Fault, type Injecting, orUndone, TURN_PAUSE_MS_MAX } from '../fault.ts';
import { isUnnoticed } from '../meanwhile.ts';
import { clusterOf } from '../shop.ts';
import { RECOVERY_MS, RESTART_MS } from './redis.ts';

/** So long what is written does not reach the replica. */
const LAGGED_MS = 2_000;
/** A master that comes back sooner than it is missed has lost nothing, and stays one; later, its replica may have lost its last moments. */
const TAKEN_OVER = { short: 6_000, long: 10_000 };

type Pair = { master: ClusterNode; replica: ClusterNode; cluster: OwnRedisCluster };

/** The master that has the sale of the crowd, and its replica, which follows. */
async function pairOf(injecting: Injecting): Promise<Pair> {
  const cluster = clusterOf(injecting);
  await cluster.whole();
  const { sale } = injecting.random.pick(injecting.world.houses);
  return { cluster, ...(await cluster.pairOf(sale)) };
}

const startedAgain =
  ({ cluster }: Pick<Pair, 'cluster'>, nodes: ClusterNode[]) =>
  async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.whole();
  };

export const clusterFaults: Fault[] = [
  {
    name: 'a Redis master killed',
    of: 'stores',
    lastsMs: TAKEN_OVER,
    recoveryMs: RECOVERY_MS + RESTART_MS,
    inject: async (injecting) => {
      const pair = await pairOf(injecting);
      await pair.master.kill();
      return startedAgain(pair, [pair.master]);
    },
  },
  {
    name: 'a Redis master killed, and back before it is missed',
    of: 'stores',
    lastsMs: { short: 0, long: 0 },
    recoveryMs: RESTART_MS,
    inject: async (injecting) => {
      const pair = await pairOf(injecting);
      await pair.master.kill();
      return startedAgain(pair, [pair.master]);
    },
  },
  {
    name: 'a Redis master frozen',
    of: 'stores',
    lastsMs: TAKEN_OVER,
    recoveryMs: RECOVERY_MS + RESTART_MS,
    inject: async (injecting) => {
      const { cluster, master } = await pairOf(injecting);
      master.freeze();
      return async () => {
        master.thaw();
        await cluster.whole();
      };
    },
  },
  {
    name: 'a Redis replica killed',
    of: 'stores',
    lastsMs: { short: 3_000, long: 10_000 },
    inject: async (injecting) => {
      const pair = await pairOf(injecting);
      await pair.replica.kill();
      return startedAgain(pair, [pair.replica]);
    },
    meanwhile: isUnnoticed,
    turnPauseMsMax: TURN_PAUSE_MS_MAX,
  },
  {
    name: 'a Redis master killed behind whose back its replica lagged',
    of: 'stores',
    lastsMs: TAKEN_OVER,
    recoveryMs: RECOVERY_MS + RESTART_MS,
    inject: async (injecting) => {
      const pair = await pairOf(injecting);
      const { cluster, master, replica } = pair;
      // Stopped alone it would still read, once it goes on, all that its master has sent it.
      const follow = await cluster.cutOff(replica);
      return orUndone(
        async () => {
          await follow();
          await startedAgain(pair, [master])();
        },
        async () => {
          await new Promise((resolve) => setTimeout(resolve, LAGGED_MS));
          await master.kill();
        },
      );
    },
  },
  {
    name: 'all Redis nodes killed',
    of: 'stores',
    lastsMs: { short: 1_500, long: 8_000 },
    recoveryMs: RECOVERY_MS + RESTART_MS,
    inject: async (injecting) => {
      const { cluster } = await pairOf(injecting);
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      return startedAgain({ cluster }, cluster.nodes);
    },
  },
];
