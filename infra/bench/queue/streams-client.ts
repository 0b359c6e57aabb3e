import { connect, type Socket } from 'node:net';
import { ticketOf } from './fans.ts';

const VERSION = 'id: ';

/** What the main process asks of this one: to open streams, to wait for the next frame of each, or to close them all. */
export type StreamsAsked =
  | { kind: 'open'; port: number; sale: string; from: number; count: number }
  | { kind: 'frames'; above: number }
  | { kind: 'close' };

/** `spreadMs`: from the first frame of all to the last. */
export type StreamsHeard = { frames: number; spreadMs: number; fault: string | null };

const OPEN_AT_ONCE = 100;
const WAIT_MS_MAX = 20_000;

const sockets: Socket[] = [];
/** By stream: the version of the newest frame, and when it came. */
const versions: number[] = [];
const heardAt: number[] = [];
let fault: string | null = null;

const open = (port: number, sale: string, number: number, at: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    const head = `GET /api/sales/${sale}/queue/stream HTTP/1.1\r\nhost: 127.0.0.1\r\n`;
    socket.write(`${head}cookie: queue-${sale}=${ticketOf(sale, number)}\r\n\r\n`);
    let rest = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      rest += chunk;
      for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
        const frame = rest.slice(0, end);
        rest = rest.slice(end + 2);
        // What comes before the first is of HTTP.
        if (!frame.startsWith(VERSION)) continue;
        const version = Number.parseInt(frame.slice(VERSION.length), 10);
        const position = Number(/"position":(\d+)/.exec(frame)?.[1]);
        if (!(position > 0 && position < number)) fault ??= `number ${number} was told: ${frame}`;
        versions[at] = version;
        heardAt[at] = performance.now();
        resolve();
      }
    });
    socket.on('error', reject).on('close', () => {
      fault ??= 'a stream was closed';
    });
  });

process.on('message', async (asked: StreamsAsked) => {
  if (asked.kind === 'close') {
    for (const socket of sockets.splice(0)) socket.removeAllListeners('close').destroy();
    versions.length = 0;
    heardAt.length = 0;
    process.send?.({ frames: 0, spreadMs: 0, fault });
    return;
  }
  if (asked.kind === 'open') {
    for (let i = 0; i < asked.count; i += OPEN_AT_ONCE) {
      const many = Math.min(OPEN_AT_ONCE, asked.count - i);
      await Promise.all(
        Array.from({ length: many }, (_, j) => open(asked.port, asked.sale, asked.from + i + j, i + j)),
      );
    }
    process.send?.({ frames: versions.length, spreadMs: 0, fault });
    return;
  }
  const until = performance.now() + WAIT_MS_MAX;
  while (versions.some((version) => version <= asked.above) && fault === null) {
    if (performance.now() > until) fault = 'not every stream was told';
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const times = heardAt.slice().sort((a, b) => a - b);
  const spreadMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  process.send?.({ frames: times.length, spreadMs, fault });
});
