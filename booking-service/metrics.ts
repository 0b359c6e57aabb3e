import { gauge, type Sample } from '#shared/metrics/registry.ts';
import type { Db } from './db/client.ts';

/** The gauges are read together, by one look at the books. */
const READ_AGAIN_MS = 1_000;
const READ_MS_MAX = 1_500;

type Row = { kind: string; state: 'due' | 'dead' | 'waiting'; count: number; oldestSeconds: number };

/** What waits in the books for a worker, whichever it is: of several workers the largest figure counts, not the sum. */
export function countBacklog(db: Db): void {
  let read: Promise<readonly Row[]> = Promise.resolve([]);
  let readAt = Number.NEGATIVE_INFINITY;
  const rows = (): Promise<readonly Row[]> => {
    if (performance.now() - readAt > READ_AGAIN_MS) {
      readAt = performance.now();
      read = readBacklog(db);
    }
    return read;
  };
  const samples =
    (isTold: (row: Row) => boolean, value: (row: Row) => number, labels: (row: Row) => string[]) =>
    async (): Promise<Sample[]> =>
      (await rows()).filter(isTold).map((row): Sample => [labels(row), value(row)]);
  const isMessage = ({ state }: Row) => state !== 'waiting';
  const isOrder = ({ state }: Row) => state === 'waiting';

  gauge(
    'admit_one_outbox_messages',
    'Messages that are due, or dead: given up, for the organiser to see to.',
    ['kind', 'state'],
    samples(
      isMessage,
      ({ count }) => count,
      ({ kind, state }) => [kind, state],
    ),
  );
  gauge(
    'admit_one_outbox_oldest_seconds',
    'Since when the oldest of them is there.',
    ['kind', 'state'],
    samples(
      isMessage,
      ({ oldestSeconds }) => oldestSeconds,
      ({ kind, state }) => [kind, state],
    ),
  );
  gauge(
    'admit_one_orders_waiting',
    'Orders that wait for a worker to book them.',
    [],
    samples(
      isOrder,
      ({ count }) => count,
      () => [],
    ),
  );
  gauge(
    'admit_one_orders_waiting_oldest_seconds',
    'Since when the oldest of them waits; 0 where none does.',
    [],
    samples(
      isOrder,
      ({ oldestSeconds }) => oldestSeconds,
      () => [],
    ),
  );
}

/** Kinds without any message have no row. */
const readBacklog = (db: Db): Promise<readonly Row[]> =>
  db.call<Row>(
    (sql) => sql`
      select kind, state, count(*)::int as count,
        extract(epoch from clock_timestamp() - min(created_at))::float8 as "oldestSeconds"
      from outbox_message where state = 'due' group by kind, state
      union all
      select kind, state, count(*)::int, extract(epoch from clock_timestamp() - min(created_at))::float8
      from outbox_message where state = 'dead' group by kind, state
      union all
      select '', 'waiting', count(*)::int,
        coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8
      from order_work join ticket_order on ticket_order.id = order_work.ticket_order
      where order_work.kind = 'book'`,
    READ_MS_MAX,
  );
