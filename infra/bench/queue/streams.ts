import type { ChildProcess } from 'node:child_process';
import { leavePlace } from '../../../gateway/queue/place.ts';
import { type Figure, median } from '../figures.ts';
import { ask } from '../processes.ts';
import { entryOf } from './fans.ts';
import type { connectStore } from './filled-queue.ts';
import { startClient, startGateway } from './processes.ts';
import type { StreamsAsked, StreamsHeard } from './streams-client.ts';

/** The fan at the front has the turn; those who leave stand behind, before all who listen. */
const LEAVERS_MAX = 100;
const SETTLE_MS = 1_500;
const BARE_SHARE_MAX = 1.5;
const LATE_MS_MAX = 5;

type Used = { heapBytes: number; rssBytes: number; cpuMicros: number; lateP99Ms: number; lateMaxMs: number };

/**
 * So many streams in one gateway process: what each takes of memory, and how long a frame to each takes when somebody
 * in front has left, against bare writes to as many sockets of the same process. Each stream's position is checked to be
 * possible. Needs two open files a stream; so the baseline is taken when the streams are closed.
 */
export async function measureStreams(
  store: Awaited<ReturnType<typeof connectStore>>,
  { redisUrl, sale, streams, rounds }: { redisUrl: string; sale: string; streams: number; rounds: number },
): Promise<Figure[]> {
  const gateway = await startGateway(redisUrl, {}, './streams-server.ts', ['--expose-gc']);
  const client = startClient('./streams-client.ts');
  const hear = async (child: ChildProcess, asked: StreamsAsked) => {
    const heard = await ask<StreamsHeard>(child, asked);
    if (heard.fault !== null) throw new Error(heard.fault);
    return heard;
  };
  try {
    const used = (memory: boolean) => ask<Used>(gateway.child, { memory });
    const open = (port: number) =>
      hear(client.child, { kind: 'open', port, sale, from: LEAVERS_MAX + 2, count: streams });
    await used(true);
    const before = await used(true);
    await open(gateway.port);
    const opened = await used(true);
    const spreads: number[] = [];
    const micros: number[] = [];
    const late: Used[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await new Promise((done) => setTimeout(done, SETTLE_MS));
      const version = Number(await store.redis.hget(`admit-one:{${sale}}:queue`, 'changes'));
      const from = await used(false);
      await leavePlace(store, sale, entryOf(2 + round));
      const { spreadMs, frames } = await hear(client.child, { kind: 'frames', above: version });
      spreads.push(spreadMs);
      const after = await used(false);
      micros.push((after.cpuMicros - from.cpuMicros) / frames);
      late.push(after);
    }
    await hear(client.child, { kind: 'close' });
    await open(gateway.barePort);
    const bareSpreads: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await new Promise((done) => setTimeout(done, SETTLE_MS));
      await ask<Used>(gateway.child, { memory: false, bare: round + 1 });
      bareSpreads.push((await hear(client.child, { kind: 'frames', above: round })).spreadMs);
    }
    const each = (name: 'heapBytes' | 'rssBytes') => (opened[name] - before[name]) / streams / 1024;
    return [
      {
        what: `${streams} streams: memory of each, by the process’s size`,
        rounds: [each('rssBytes')],
        unit: ' KB',
        bound: 12,
        side: 'at most',
        digits: 1,
        note: `${each('heapBytes').toFixed(1)} KB of it on the heap and beside`,
      },
      {
        what: '… a frame to each, from the first to the last',
        rounds: spreads,
        unit: ' ms',
        bound: 150,
        side: 'at most',
        digits: 0,
        note: `${Math.round(median(micros))} µs of processor time a frame`,
      },
      {
        what: '… others of the process wait meanwhile, 99th percentile',
        rounds: late.map(({ lateP99Ms }) => lateP99Ms),
        unit: ' ms',
        bound: LATE_MS_MAX,
        side: 'at most',
        digits: 1,
        note: `longest of a round ${late.map(({ lateMaxMs }) => lateMaxMs.toFixed(1)).join(', ')}; the first compiles`,
      },
      {
        what: '… against bare writes to as many sockets',
        rounds: spreads.map((ms) => ms / median(bareSpreads)),
        unit: ' ×',
        bound: BARE_SHARE_MAX,
        side: 'at most',
        note: `${median(bareSpreads).toFixed(0)} ms, nearly all of it the system’s`,
      },
    ];
  } finally {
    await Promise.all([client.stop(), gateway.stop()]);
  }
}
