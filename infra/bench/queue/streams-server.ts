import { createServer, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/**
 * The gateway as it is, and in the same process, on BARE_PORT, the baseline: sockets that are written as many bytes, one
 * after another, in slices as short. Tells what the process has used, and how late it was since the last message; asked for
 * memory, once no garbage is left.
 */
await import('../../../gateway/main.ts');

const SLICE_MS = 2;
const REST = ',"ahead":0,"waiting":1000000'.padEnd(420, ' ');

const sockets = new Set<Socket>();
const frame = (version: number): string => `id: ${version}\ndata: {"position":1${REST}}\n\n`;

createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  socket.resume().write(frame(0), 'latin1');
}).listen(Number(process.env.BARE_PORT), String(process.env.HOST));

async function writeBare(version: number): Promise<void> {
  let sliceEndsAt = performance.now() + SLICE_MS;
  for (const socket of sockets) {
    socket.write(frame(version), 'latin1');
    if (performance.now() < sliceEndsAt) continue;
    await setImmediate();
    sliceEndsAt = performance.now() + SLICE_MS;
  }
}

/** How late timers are: what a poll waits for. Begins anew with each message. */
const lateness = monitorEventLoopDelay({ resolution: 1 });
lateness.enable();

process.on('message', async ({ memory, bare }: { memory: boolean; bare?: number }) => {
  if (memory) globalThis.gc?.();
  if (bare !== undefined) await writeBare(bare);
  const [lateP99Ms, lateMaxMs] = [lateness.percentile(99) / 1e6, lateness.max / 1e6];
  lateness.reset();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({
    heapBytes: heapUsed + external,
    rssBytes: rss,
    cpuMicros: user + system,
    lateP99Ms,
    lateMaxMs,
  });
});
