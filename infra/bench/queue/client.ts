import { openConnection } from '../connection.ts';
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
  const open = await Promise.all(
    Array.from({ length: load.connections }, (_, i) =>
      openConnection(load.ports[i % load.ports.length] as number),
    ),
  );
  const most = load.wraps ? Number.POSITIVE_INFINITY : load.count * load.sales.length;
  const latencies: number[] = [];
  let next = 0;
  let done = 0;
  let fault: string | null = null;
  const startedAt = performance.now();
  const endsAt = startedAt + load.ms;

  await Promise.all(
    open.map(async ({ ask }) => {
      while (next < most && fault === null) {
        const sentAt = performance.now();
        if (sentAt >= endsAt) break;
        const mine = next;
        next += 1;
        const { head, body } = await ask(request(mine));
        fault ??= check(mine, head, body);
        done += 1;
        if (done % 16 === 0) latencies.push(performance.now() - sentAt);
      }
    }),
  ).catch((error: unknown) => {
    fault ??= String(error);
  });
  const ms = performance.now() - startedAt;
  for (const connection of open) connection.close();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? 0;
  return { requests: done, ms, p50Ms: quantile(0.5), p99Ms: quantile(0.99), fault };
}

process.on('message', async (load: Load) => {
  process.send?.(await run(load));
});
