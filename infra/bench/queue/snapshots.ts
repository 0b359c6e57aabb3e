import { readSnapshot } from '../../../gateway/queue/snapshot.ts';
import { connectStore } from './filled-queue.ts';

/** What the main process asks of this one, whose heap holds nothing else. */
export type SnapshotsAsked = { redisUrl: string; sale: string; rounds: number };

const SNAPSHOTS = 50;

process.on('message', async ({ redisUrl, sale, rounds }: SnapshotsAsked) => {
  const store = await connectStore(redisUrl);
  process.send?.(await renewSnapshots(store, sale, rounds));
  store.redis.disconnect();
});

/** Milliseconds of this process, bits travelling each time, a round; the first, for nothing, compiles the code. */
async function renewSnapshots(
  store: Awaited<ReturnType<typeof connectStore>>,
  sale: string,
  rounds: number,
): Promise<number[]> {
  const all: number[] = [];
  const known = (await readSnapshot(store, sale, null))!;
  for (let round = -1; round < rounds; round += 1) {
    const from = process.cpuUsage();
    for (let i = 0; i < SNAPSHOTS; i += 1) await readSnapshot(store, sale, { ...known, version: -1 });
    const { user, system } = process.cpuUsage(from);
    if (round >= 0) all.push((user + system) / 1000 / SNAPSHOTS);
  }
  return all;
}
