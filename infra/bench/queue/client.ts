import { connect, type Socket } from 'node:net';
import { ticketOf } from './fans.ts';

/** What the main process asks of this one: as many requests as can be had in a time, over kept connections. */
export type Load = {
  kind: 'poll' | 'bareGet' | 'join' | 'barePost';
  ports: number[];
  /** One after another in turn. */
  sales: string[];
  connections: number;
  ms: number;
  /** Polls: tickets of these queue numbers of each sale, in turn; without `wraps` each is sent once at most. */
  from: number;
  count: number;
  wraps: boolean;
  /** Polls: how many numbers before each have had their turn. */
  gone: number;
  version: number;
};

export type Outcome = { requests: number; ms: number; p50Ms: number; p99Ms: number; fault: string | null };

const HEAD_END = '\r\n\r\n';

function requestsOf(load: Load): (i: number) => string {
  const { kind, sales, version } = load;
  const tickets = load.count * sales.length;
  const saleOf = (i: number) => sales[i % sales.length] as string;
  const host = 'host: 127.0.0.1\r\naccept: application/json\r\n';
  if (kind === 'poll' || kind === 'bareGet') {
    const made: string[] = [];
    for (let i = 0; i < tickets; i += 1) {
      const sale = saleOf(i);
      const target = kind === 'poll' ? `/api/sales/${sale}/queue/me?version=${version}` : '/bare';
      const cookie = `cookie: queue-${sale}=${ticketOf(sale, numberOf(load, i))}\r\n`;
      made.push(`GET ${target} HTTP/1.1\r\n${host}${cookie}\r\n`);
    }
    return (i) => made[i % tickets] as string;
  }
  const target = kind === 'join' ? `/api/sales/${saleOf(0)}/queue` : '/bare';
  const post = `POST ${target} HTTP/1.1\r\n${host}content-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;
  return () => post;
}

/** The queue number whose ticket the poll with this index brings. */
const numberOf = ({ sales, from, count }: Load, i: number): number =>
  from + (Math.floor(i / sales.length) % count);

/** What is wrong with an answer, or null. */
function checker(load: Load): (i: number, head: string, body: string) => string | null {
  const { kind, gone } = load;
  const numbers = new Set<number>();
  return (i, head, body) => {
    if (kind === 'poll') {
      const number = numberOf(load, i);
      const position = number - gone;
      if (head.startsWith('HTTP/1.1 200') && body.includes(`"position":${position},`)) return null;
      return `the fan with number ${number} should stand at ${position}: ${head.slice(0, 15)} ${body}`;
    }
    if (kind === 'join') {
      const number = Number(/"queueNumber":(\d+),/.exec(body)?.[1]);
      const known = numbers.has(number);
      numbers.add(number);
      const whole = body.includes('"queueTicket":"q2.') && /set-cookie: queue-/i.test(head);
      if (head.startsWith('HTTP/1.1 201') && number > 0 && !known && whole) return null;
      return `a join was answered ${head.slice(0, 15)} ${body}`;
    }
    return head.startsWith('HTTP/1.1 20') ? null : `the baseline answered ${head.slice(0, 15)}`;
  };
}

async function run(load: Load): Promise<Outcome> {
  const request = requestsOf(load);
  const check = checker(load);
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, (_, i) => open(load.ports[i % load.ports.length] as number)),
  );
  const most = load.wraps ? Number.POSITIVE_INFINITY : load.count * load.sales.length;
  const latencies: number[] = [];
  let next = 0;
  let done = 0;
  let fault: string | null = null;
  const startedAt = performance.now();
  const endsAt = startedAt + load.ms;

  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let mine = 0;
          let sentAt = 0;
          let text = '';
          const send = () => {
            sentAt = performance.now();
            if (sentAt >= endsAt || next >= most || fault !== null) {
              resolve();
              return;
            }
            mine = next;
            next += 1;
            socket.write(request(mine));
          };
          socket.on('data', (chunk) => {
            text += chunk.toString('latin1');
            const headEnd = text.indexOf(HEAD_END);
            if (headEnd === -1) return;
            const head = text.slice(0, headEnd);
            const at = head.toLowerCase().indexOf('content-length: ');
            const length = Number.parseInt(head.slice(at + 16), 10);
            if (text.length < headEnd + HEAD_END.length + length) return;
            fault ??= check(mine, head, text.slice(headEnd + HEAD_END.length));
            text = '';
            done += 1;
            if (done % 16 === 0) latencies.push(performance.now() - sentAt);
            send();
          });
          socket.on('close', () => {
            fault ??= 'a connection was closed';
            resolve();
          });
          send();
        }),
    ),
  );
  const ms = performance.now() - startedAt;
  for (const socket of sockets) socket.removeAllListeners('close').destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? 0;
  return { requests: done, ms, p50Ms: quantile(0.5), p99Ms: quantile(0.99), fault };
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });

process.on('message', async (load: Load) => {
  process.send?.(await run(load));
});
