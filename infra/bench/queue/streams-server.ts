import { createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/**
 * The gateway as it is, and in the same process, on BARE_PORT, the baseline: sockets that are written as many bytes, one
 * after another, in slices as short. Tells what the process has used; asked for memory, once no garbage is left.
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

process.on('message', async ({ memory, bare }: { memory: boolean; bare?: number }) => {
  if (memory) globalThis.gc?.();
  if (bare !== undefined) await writeBare(bare);
  const { heapUsed, external, rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({ heapBytes: heapUsed + external, rssBytes: rss, cpuMicros: user + system });
});
