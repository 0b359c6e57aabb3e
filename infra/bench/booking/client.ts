import { type Connection, openConnection } from '../connection.ts';
import { INTERNAL_SECRET } from './settings.ts';

/** What the main process asks of this one: as many requests as can be had in a time, over kept connections. */
export type Load = {
  /**
   * `warm`: each fan looks at the seats once. `order`: a hold, and its order. `seats`: the same fan reads again and again;
   * `known`: fans ask for what they have already.
   */
  kind: 'warm' | 'hold' | 'order' | 'seats' | 'known' | 'bare';
  port: number;
  connections: number;
  ms: number;
  sale: string;
  /** Admission tokens. */
  tokens: string[];
  /** The names of the seats, each for one request. */
  seats: string[];
  bytes: number;
  /** Whether the requests go to the gateway, which is not told what only the door says. */
  throughDoor?: boolean;
};

export type Outcome = {
  won: number;
  ms: number;
  p50Ms: number;
  p99Ms: number;
  fault: string | null;
  bytes: number;
};

/** Requests under way together are of different fans. */
async function run(load: Load): Promise<Outcome> {
  const { kind, sale, tokens, seats, connections } = load;
  const inside = load.throughDoor
    ? ''
    : `x-internal-key: ${INTERNAL_SECRET}\r\nx-internal-admission: live\r\n`;
  const lines = (token: string) => `host: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n${inside}`;
  const post = (path: string, token: string, body: object, more = '') => {
    const text = JSON.stringify(body);
    return `POST /api/sales/${sale}/${path} HTTP/1.1\r\n${lines(token)}${more}content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  };
  const tokenOf = (i: number) => tokens[i % tokens.length] as string;
  let bytes = 0;
  let etag = '';

  const one = async (connection: Connection, i: number): Promise<string | null> => {
    if (kind === 'bare') {
      const { status, body } = await connection.ask(
        `GET /bare/${load.bytes} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`,
      );
      return status === 200 && body.length === load.bytes ? null : `the baseline answered ${status}`;
    }
    if (kind === 'warm' || kind === 'seats') {
      const { status, body } = await connection.ask(
        `GET /api/sales/${sale}/seats HTTP/1.1\r\n${lines(tokenOf(kind === 'warm' ? i : 0))}\r\n`,
      );
      bytes = body.length;
      return status === 200 ? null : `the seats were answered ${status} ${body}`;
    }
    const token = tokenOf(i);
    if (kind === 'known') {
      const { status, head } = await connection.ask(
        `GET /api/sales/${sale}/seats HTTP/1.1\r\n${lines(token)}if-none-match: ${etag}\r\n\r\n`,
      );
      etag ||= /etag: (.*)\r\n/i.exec(head)?.[1] ?? '';
      return status === 304 || i < connections ? null : `what is known was answered ${status}`;
    }
    const held = await connection.ask(post('holds', token, { seats: [seats[i]] }));
    if (held.status !== 201) return `a hold was answered ${held.status} ${held.body}`;
    if (kind === 'hold') return null;
    const buyer = { name: 'Ada Lovelace', email: `fan-${i}@example.org` };
    const { hold } = JSON.parse(held.body) as { hold: string };
    const order = { hold, buyer, payment: { token: 'tok_ok' } };
    const ordered = await connection.ask(post('orders', token, order, `idempotency-key: order-${i}\r\n`));
    return ordered.status === 201 ? null : `an order was answered ${ordered.status} ${ordered.body}`;
  };

  const most = {
    warm: tokens.length,
    hold: seats.length,
    order: seats.length,
    seats: Infinity,
    known: Infinity,
    bare: Infinity,
  }[kind];
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(load.port)));
  const latencies: number[] = [];
  let next = 0;
  let won = 0;
  let fault: string | null = null;
  const startedAt = performance.now();
  const endsAt = startedAt + load.ms;
  await Promise.all(
    open.map(async (connection) => {
      while (next < most && fault === null) {
        const sentAt = performance.now();
        if (sentAt >= endsAt) break;
        const mine = next;
        next += 1;
        const wrong = await one(connection, mine).catch(String);
        fault ??= wrong;
        if (wrong === null) won += 1;
        latencies.push(performance.now() - sentAt);
      }
    }),
  );
  const ms = performance.now() - startedAt;
  for (const connection of open) connection.close();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? 0;
  return { won, ms, p50Ms: quantile(0.5), p99Ms: quantile(0.99), fault, bytes };
}

process.on('message', async (load: Load) => {
  process.send?.(await run(load));
});
