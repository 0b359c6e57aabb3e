import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { readSnapshot } from '../../../gateway/queue/snapshot.ts';
import { type Figure, median } from '../figures.ts';
import { ask } from '../processes.ts';
import type { Load, Outcome } from './client.ts';
import { type OpenStore, scriptCalls } from './filled-queue.ts';
import { type GatewayProcess, startGateway } from './processes.ts';
import { ROUND_MS, ROUNDS, say, WAITING } from './settings.ts';

/** Of the smaller sales, whose polls must cost the same. */
export const FEW_WAITING = 1_000;
/** So many of them that no ticket reaches its limit of polls: a round of 2 s may have 99,000 polls a second. */
export const FEW_SALES = 4;
const WARM_TICKETS = Math.min(100_000, Math.floor(WAITING / 4));
/** More than a cold round can use; each is sent once. */
const COLD_TICKETS = Math.floor((WAITING - WARM_TICKETS) / ROUNDS);
const CONNECTIONS = 64;

type Bench = {
  store: OpenStore;
  redisUrl: string;
  client: ChildProcess;
  gateways: GatewayProcess[];
  /** Sales that have opened: with WAITING fans, FEW_SALES with FEW_WAITING each, and one that fans join. */
  large: string;
  small: string[];
  joining: string;
};

/** Polls and joins over HTTP against a bare Hono answer of the same process; every answer is checked. */
export async function measureRequests(bench: Bench): Promise<Figure[]> {
  const { store, redisUrl, client, gateways, large, small, joining } = bench;
  const one = await startGateway(redisUrl, { RATE_LIMITS: 'joins=off' });
  gateways.push(one);
  // Each sale has room for one fan: the first has had the turn, and nothing moves from here on.
  const gone = await settled(store, [large, ...small]);
  const snapshot = (await readSnapshot(store, large, null))!;
  const versions = await Promise.all(
    small.map(async (sale) => (await readSnapshot(store, sale, null))!.version),
  );

  const load = (kind: Load['kind'], rest: Partial<Load> = {}): Load => ({
    kind,
    ports: [kind.startsWith('bare') ? one.barePort : one.port],
    sales: [large],
    connections: CONNECTIONS,
    ms: ROUND_MS,
    from: 2,
    count: WARM_TICKETS,
    wraps: true,
    gone,
    version: snapshot.version,
    ...rest,
  });
  const measured = async (asked: Load) => {
    const cpu = async () => {
      const all = await Promise.all(gateways.map((gateway) => ask<{ cpuMicros: number }>(gateway.child, {})));
      return all.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0);
    };
    const from = await cpu();
    const outcome = await ask<Outcome>(client, asked);
    if (outcome.fault !== null) throw new Error(outcome.fault);
    return {
      ...outcome,
      perSecond: (outcome.requests * 1000) / outcome.ms,
      cpuMicros: ((await cpu()) - from) / outcome.requests,
    };
  };
  const fewFans = { sales: small, count: FEW_WAITING - 10, version: Math.min(...versions) };

  // Every variant once for nothing: code is compiled, tickets are known from here on.
  await measured(load('bareGet'));
  await measured(load('poll', { ms: 60_000, count: WARM_TICKETS, wraps: false }));
  await measured(load('poll', fewFans));
  await measured(load('barePost'));
  await measured(load('join', { sales: [joining] }));

  const idle = await callsIn(store.redis, () => wait(ROUND_MS));
  const rounds: Record<string, Awaited<ReturnType<typeof measured>>[]> = {};
  const commands: number[] = [];
  const keep = (name: string, outcome: Awaited<ReturnType<typeof measured>>) => {
    rounds[name] = [...(rounds[name] ?? []), outcome];
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const variants: [string, () => Promise<void>][] = [
      ['bareGet', async () => keep('bareGet', await measured(load('bareGet')))],
      [
        'warm',
        async () => {
          let polls = 0;
          const used = await callsIn(store.redis, async () => {
            const outcome = await measured(load('poll'));
            polls = outcome.requests;
            keep('warm', outcome);
          });
          commands.push(Math.max(0, used - idle) / polls);
        },
      ],
      [
        'cold',
        async () => {
          const from = 2 + WARM_TICKETS + round * COLD_TICKETS;
          const count = Math.min(COLD_TICKETS, WAITING - from);
          keep('cold', await measured(load('poll', { from, count, wraps: false })));
        },
      ],
      ['few', async () => keep('few', await measured(load('poll', fewFans)))],
      ['barePost', async () => keep('barePost', await measured(load('barePost')))],
      ['join', async () => keep('join', await measured(load('join', { sales: [joining] })))],
    ];
    // Another order every round: what comes after what must not matter.
    for (let i = 0; i < variants.length; i += 1) await variants[(i + round) % variants.length]![1]();
    say(
      `round ${round + 1}: ${Object.entries(rounds)
        .map(([name, all]) => `${name} ${Math.round(all.at(-1)!.perSecond)}/s`)
        .join(', ')}`,
    );
  }

  // Two processes against one, by the processor time that a poll costs.
  const two = await startGateway(redisUrl);
  gateways.push(two);
  await measured(load('poll', { ports: [two.port], ms: 60_000, wraps: false }));
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const alone = await measured(load('poll'));
    const both = await measured(load('poll', { ports: [one.port, two.port] }));
    shares.push(both.cpuMicros / alone.cpuMicros);
  }
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));

  const of = (name: string, value: (outcome: Awaited<ReturnType<typeof measured>>) => number) =>
    (rounds[name] ?? []).map(value);
  const ratio = (name: string, base: string) =>
    (rounds[name] ?? []).map((outcome, i) => outcome.perSecond / (rounds[base]?.[i]?.perSecond as number));
  const figures: Figure[] = [
    {
      what: 'poll, warm, against a bare GET',
      rounds: ratio('warm', 'bareGet'),
      unit: ' ×',
      bound: 0.85,
      side: 'at least',
      note: `${Math.round(median(of('warm', (o) => o.perSecond)))}/s of ${Math.round(median(of('bareGet', (o) => o.perSecond)))}/s; p99 ${median(of('warm', (o) => o.p99Ms)).toFixed(1)} ms of ${median(of('bareGet', (o) => o.p99Ms)).toFixed(1)}`,
    },
    {
      what: 'poll, ticket seen for the first time',
      rounds: ratio('cold', 'bareGet'),
      unit: ' ×',
      bound: 0.55,
      side: 'at least',
    },
    {
      what: `poll, ${FEW_WAITING} waiting, against ${WAITING}`,
      rounds: ratio('few', 'warm'),
      unit: ' ×',
      bound: 0.95,
      side: 'at least',
    },
    {
      what: 'Redis commands a poll',
      rounds: commands,
      unit: '',
      bound: 0.005,
      side: 'at most',
      digits: 5,
      note: `the idle gateway’s ${idle} in ${ROUND_MS / 1000} s taken off`,
    },
    {
      what: 'join, new fan, against a bare POST',
      rounds: ratio('join', 'barePost'),
      unit: ' ×',
      bound: 0.7,
      side: 'at least',
      note: `${Math.round(median(of('join', (o) => o.perSecond)))}/s of ${Math.round(median(of('barePost', (o) => o.perSecond)))}/s`,
    },
    {
      what: 'processor time a poll, two processes against one',
      rounds: shares,
      unit: ' ×',
      bound: 1.2,
      side: 'at most',
      note: `${median(of('warm', (o) => o.cpuMicros)).toFixed(1)} µs with one`,
    },
  ];
  return figures;
}

/** Waits until each sale's one turn is given and every position has settled; how many have gone from the front. */
async function settled(store: OpenStore, sales: string[]): Promise<number> {
  for (const sale of sales) {
    for (;;) {
      const snapshot = await readSnapshot(store, sale, null);
      if (snapshot?.ready === 1) break;
      await wait(100);
    }
  }
  await wait(1_000);
  return 1;
}

async function callsIn(client: OpenStore['redis'], work: () => Promise<unknown>): Promise<number> {
  const from = await scriptCalls(client);
  await work();
  return (await scriptCalls(client)) - from;
}
