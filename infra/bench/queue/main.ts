import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { giveTurns } from '../../../gateway/admission/turn-giver.ts';
import { readSnapshot } from '../../../gateway/queue/snapshot.ts';
import { ownRedis } from '../../testing/redis-server.ts';
import { type Figure, holds, median, table } from '../figures.ts';
import type { Load, Outcome } from './client.ts';
import { bytesOfSale, connectStore, fill, openSale, scriptCalls } from './filled-queue.ts';
import { ask, type GatewayProcess, startClient, startGateway } from './processes.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const ROUNDS = number('ROUNDS', 5);
const WAITING = number('WAITING', 1_000_000);
const ROUND_MS = number('ROUND_MS', 2_000);
const FEW_WAITING = 1_000;
const WARM_TICKETS = Math.min(100_000, Math.floor(WAITING / 4));
/** More than a cold round can use; each is sent once. */
const COLD_TICKETS = Math.floor((WAITING - WARM_TICKETS) / ROUNDS);
const CONNECTIONS = 64;
const TURNS = 1_000;
const SNAPSHOTS = 50;
const REDIS_BINARIES = resolve(root, process.env.DATA_DIR || '.data', 'redis-server');

const say = (line: string) => process.stdout.write(`${line}\n`);

export async function main(): Promise<number> {
  // Rewriting the append-only file beside would be measured too: what is asked is what the queue itself costs.
  const settings = {
    'slowlog-log-slower-than': 0,
    'slowlog-max-len': 4_096,
    'auto-aof-rewrite-percentage': 0,
  };
  const redis = await ownRedis(settings, REDIS_BINARIES);
  const client = startClient();
  const gateways: GatewayProcess[] = [];
  try {
    return (await run({ redisUrl: redis.url, client: client.child, gateways })) ? 0 : 1;
  } finally {
    await Promise.all([client.stop(), ...gateways.map((gateway) => gateway.stop())]);
    await redis.stop();
  }
}

type Bench = { redisUrl: string; client: ChildProcess; gateways: GatewayProcess[] };

async function run({ redisUrl, client, gateways }: Bench): Promise<boolean> {
  const store = await connectStore(redisUrl);
  say(
    `The queue, measured on this machine: ${WAITING} fans wait, ${ROUNDS} rounds of ${ROUND_MS / 1000} s each, ${CONNECTIONS} connections.`,
  );

  const large = await openSale(store);
  await fill(store, large, WAITING);
  const [small, joining] = [await openSale(store), await openSale(store)];
  await fill(store, small, FEW_WAITING);

  const one = await startGateway(redisUrl, { RATE_LIMITS: 'joins=off' });
  gateways.push(one);
  // Each sale has room for one fan: the first has had the turn, and nothing moves from here on.
  const gone = await settled(store, [large, small]);
  const snapshot = (await readSnapshot(store, large, null))!;
  const few = (await readSnapshot(store, small, null))!;

  const load = (kind: Load['kind'], rest: Partial<Load> = {}): Load => ({
    kind,
    ports: [kind.startsWith('bare') ? one.barePort : one.port],
    sale: large,
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
  const fewFans = { sale: small, count: FEW_WAITING - 10, version: few.version };

  // Every variant once for nothing: code is compiled, tickets are known from here on.
  await measured(load('bareGet'));
  await measured(load('poll', { ms: 60_000, count: WARM_TICKETS, wraps: false }));
  await measured(load('poll', fewFans));
  await measured(load('barePost'));
  await measured(load('join', { sale: joining }));

  const bytesPerFan = (await bytesOfSale(redisUrl, large)) / WAITING;
  const idle = await callsIn(store.redis, () => new Promise((done) => setTimeout(done, ROUND_MS)));
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
      ['join', async () => keep('join', await measured(load('join', { sale: joining })))],
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

  const renewals = await renewSnapshots(store, large);
  const turns = await giveManyTurns(store, large);
  await store.redis.disconnect();

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
      what: `${TURNS} turns, ${WAITING} waiting: Redis in all`,
      rounds: turns.sums,
      unit: ' ms',
      bound: 4,
      side: 'at most',
    },
    { what: '… its longest call', rounds: turns.longest, unit: ' ms', bound: 3, side: 'at most' },
    {
      what: `a snapshot renewed, ${WAITING} waiting: the process`,
      rounds: renewals,
      unit: ' ms',
      bound: 1.5,
      side: 'at most',
    },
    {
      what: 'Redis memory a waiting fan, all keys',
      rounds: [bytesPerFan],
      unit: ' B',
      bound: 112,
      side: 'at most',
      digits: 1,
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
  say(table(figures));
  return figures.every(holds);
}

type OpenStore = Awaited<ReturnType<typeof connectStore>>;

/** Waits until each sale's one turn is given and every position has settled; how many have gone from the front. */
async function settled(store: OpenStore, sales: string[]): Promise<number> {
  for (const sale of sales) {
    for (;;) {
      const snapshot = await readSnapshot(store, sale, null);
      if (snapshot?.ready === 1) break;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  await new Promise((done) => setTimeout(done, 1_000));
  return 1;
}

async function callsIn(client: OpenStore['redis'], work: () => Promise<unknown>): Promise<number> {
  const from = await scriptCalls(client);
  await work();
  return (await scriptCalls(client)) - from;
}

/** Milliseconds of this process, bits travelling each time, a round. */
async function renewSnapshots(store: OpenStore, sale: string): Promise<number[]> {
  const rounds: number[] = [];
  const known = (await readSnapshot(store, sale, null))!;
  for (let round = -1; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    for (let i = 0; i < SNAPSHOTS; i += 1) await readSnapshot(store, sale, { ...known, version: -1 });
    const { user, system } = process.cpuUsage(from);
    if (round >= 0) rounds.push((user + system) / 1000 / SNAPSHOTS);
  }
  return rounds;
}

/** Milliseconds of Redis, by its own slow log, for TURNS turns with everybody waiting. */
async function giveManyTurns(store: OpenStore, sale: string): Promise<{ sums: number[]; longest: number[] }> {
  const sums: number[] = [];
  const longest: number[] = [];
  await store.redis.hset(
    `admit-one:{${sale}}:sale`,
    'admitPerMinute',
    TURNS * 60,
    'capacity',
    100_000,
    'adaptive',
    0,
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    // The bucket fills up: a second's turns.
    await new Promise((done) => setTimeout(done, 1_100));
    await store.redis.slowlog('RESET');
    const given = await giveTurns(store, sale);
    if (given < TURNS) throw new Error(`${given} turns were given instead of ${TURNS}`);
    const entries = (await store.redis.slowlog('GET', 4_096)) as [number, number, number, string[]][];
    const scripts = entries
      .filter(([, , , [command]]) => /^eval/i.test(String(command)))
      .map(([, , micros]) => micros / 1000);
    // The bucket goes on filling meanwhile: a few more than asked for are given.
    sums.push((scripts.reduce((sum, ms) => sum + ms, 0) * TURNS) / given);
    longest.push(Math.max(...scripts));
  }
  return { sums, longest };
}
