import type { ChildProcess } from 'node:child_process';
import { claimTurn } from '../../../gateway/admission/admission.ts';
import { giveTurns } from '../../../gateway/admission/turn-giver.ts';
import { readSnapshot } from '../../../gateway/queue/snapshot.ts';
import { testSigningKeys } from '../../../gateway/testing/test-keys.ts';
import { type Figure, median } from '../figures.ts';
import { ask } from '../processes.ts';
import type { Load, Outcome } from './client.ts';
import { entryOf } from './fans.ts';
import { connectStore, fill, type OpenStore, openSale } from './filled-queue.ts';
import { type GatewayProcess, startGateway } from './processes.ts';
import { ROUND_MS, ROUNDS, say } from './settings.ts';

const WAITING = 20_000;
const CONNECTIONS = 64;
const CLAIMS = 3_000;
/** The gateway has the cluster's replicas and bus beside it on the same two cores. */
const SHARE_MIN = 0.5;

type Side = { name: string; store: OpenStore; gateway: GatewayProcess; waiting: string; joining: string };

/** Joins, polls and claims a second on one Redis and on a cluster, in turn; ratios of neighbouring rounds. */
export async function measureCluster(
  urls: { one: string; cluster: string },
  client: ChildProcess,
): Promise<Figure[]> {
  const keys = await testSigningKeys();
  const sides: Side[] = [];
  const open = async (name: string, url: string): Promise<Side> => {
    const store = await connectStore(url);
    const [waiting, joining] = [await openSale(store), await openSale(store)];
    await fill(store, waiting, WAITING);
    const gateway = await startGateway(url, { RATE_LIMITS: 'off' });
    const side = { name, store, gateway, waiting, joining };
    sides.push(side);
    return side;
  };
  try {
    const [one, cluster] = [await open('one Redis', urls.one), await open('a cluster', urls.cluster)];
    const overHttp = async ({ store, gateway, waiting, joining }: Side, kind: 'poll' | 'join') => {
      const { version = 0 } = (await readSnapshot(store, waiting, null)) ?? {};
      const outcome = await ask<Outcome>(client, {
        ...{
          kind,
          ports: [gateway.port],
          sales: [kind === 'poll' ? waiting : joining],
          connections: CONNECTIONS,
        },
        ...{ ms: ROUND_MS, from: 2, count: WAITING - 2, wraps: true, gone: 1, version },
      } satisfies Load);
      if (outcome.fault !== null) throw new Error(outcome.fault);
      return (outcome.requests * 1_000) / outcome.ms;
    };
    /** Claims of turns that are out already. */
    const claims = async ({ store }: Side): Promise<number> => {
      const sale = await openSale(store, { capacity: 2 * CLAIMS, admitPerMinute: 1_000_000 });
      await fill(store, sale, CLAIMS);
      for (let out = 0; out < CLAIMS; ) out += await giveTurns(store, sale);
      const startedAt = performance.now();
      let next = 1;
      const claimOn = async () => {
        while (next <= CLAIMS) await claimTurn(store, keys, sale, entryOf(next++));
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, claimOn));
      return (CLAIMS * 1_000) / (performance.now() - startedAt);
    };
    const kinds = {
      joins: (side: Side) => overHttp(side, 'join'),
      polls: (side: Side) => overHttp(side, 'poll'),
      claims,
    };
    const figures: Figure[] = [];
    for (const [kind, measure] of Object.entries(kinds)) {
      const seen = { one: [] as number[], cluster: [] as number[] };
      await measure(one); // compiled, known
      await measure(cluster);
      for (let round = 0; round < ROUNDS; round += 1) {
        const isFirst = round % 2 === 0;
        if (isFirst) seen.one.push(await measure(one));
        seen.cluster.push(await measure(cluster));
        if (!isFirst) seen.one.push(await measure(one));
        say(
          `${kind}: ${Math.round(seen.one.at(-1)!)}/s on one, ${Math.round(seen.cluster.at(-1)!)}/s on the cluster`,
        );
      }
      figures.push({
        what: `${kind} a second, a cluster with replicas against one Redis`,
        rounds: seen.cluster.map((each, i) => each / (seen.one[i] as number)),
        unit: ' ×',
        bound: SHARE_MIN,
        side: 'at least',
        note: `${Math.round(median(seen.cluster))}/s of ${Math.round(median(seen.one))}/s`,
      });
    }
    return figures;
  } finally {
    for (const { store, gateway } of sides) {
      store.redis.disconnect();
      await gateway.stop();
    }
  }
}
