import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import { counter, gauge, histogram } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { asDbFailure, isWorthRetrying } from './failure.ts';
import { createLane, type Lane, type Statement } from './lane.ts';
import { createLine, type Line } from './line.ts';
import type { Pooling } from './session.ts';

/** Measured: ten connections beat a hundred; a thousand on one row are ten times slower than ten. */
const CONNECTIONS_MAX = 10;
const CALLS_WAITING_MAX = 4_000;
/** A fan has an answer within 3 s, whatever happens; this leaves the rest for the way there and back. */
export const CALL_DEADLINE_MS = 2_800;
const CALL_ATTEMPTS_MAX = 4;
const RETRY_AFTER_MS = 60;

const durations = histogram(
  'admit_one_postgres_call_duration_seconds',
  'How long calls took, waiting for a connection and repeating included.',
  ['pool'],
);
const errors = counter(
  'admit_one_postgres_errors_total',
  'Calls that failed: unavailable (the database, its state, or time), refused (the statement itself).',
  ['pool', 'kind'],
);
const lines = new Map<string, () => number>();
gauge('admit_one_postgres_calls_waiting', 'Calls that wait for a connection.', ['pool'], () =>
  [...lines].map(([pool, waiting]) => [[pool], waiting()]),
);

export type Db = {
  /**
   * Runs one statement: it waits in a bounded line for a free connection, is sent again when its outcome is unknown
   * (so it must look its ids up first), and answers or throws within CALL_DEADLINE_MS, or what its caller has left of
   * that. Throws `unavailable` for whatever is the database's state; a fault in the statement itself is thrown as it is.
   */
  call: <Row extends postgres.Row>(statement: Statement<Row>, withinMs?: number) => Promise<readonly Row[]>;
  /** The same for statements that return exactly one row. */
  callOne: <Row extends postgres.Row>(statement: Statement<Row>, withinMs?: number) => Promise<Row>;
  waiting: () => number;
  /** Tells of a failure that nobody else gets to see. */
  report: (error: unknown, what: string) => void;
  /** Whether each request is to be a call of its own (in-one-call.ts): the baseline of benchmarks. */
  isOneByOne: boolean;
  close: () => Promise<void>;
};

export function createDb(
  databaseUrl: string,
  options: {
    applicationName: string;
    connections?: number;
    isOneByOne?: boolean;
    report?: Db['report'];
  } & Pooling,
): Db {
  const { applicationName, connections = CONNECTIONS_MAX, isOneByOne = false } = options;
  const { report = () => undefined } = options;
  const lanes = Array.from({ length: connections }, () => createLane(databaseUrl, applicationName, options));
  const line = createLine(lanes, CALLS_WAITING_MAX);
  const pool = applicationName.replace(/^admit-one\//, '');
  lines.set(pool, line.waiting);

  const call = async <Row extends postgres.Row>(
    statement: Statement<Row>,
    withinMs = CALL_DEADLINE_MS,
  ): Promise<readonly Row[]> => {
    const startedAt = performance.now();
    try {
      return await callBefore(line, statement, startedAt + withinMs);
    } catch (error) {
      const failure = asDbFailure(error);
      errors.count(pool, failure instanceof Problem ? 'unavailable' : 'refused');
      throw failure;
    } finally {
      durations.observe((performance.now() - startedAt) / 1000, pool);
    }
  };

  return {
    call,
    callOne: async (statement, withinMs) => {
      const [row] = await call(statement, withinMs);
      if (row === undefined) throw new Error('A statement that returns one row returned none.');
      return row;
    },
    waiting: line.waiting,
    report,
    isOneByOne,
    close: async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}

async function callBefore<Row extends postgres.Row>(
  line: Line<Lane>,
  statement: Statement<Row>,
  deadlineMs: number,
): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt += 1) {
    const lane = await line.take(deadlineMs - performance.now());
    try {
      return await lane.run(statement, deadlineMs - performance.now());
    } catch (error) {
      const again = attempt < CALL_ATTEMPTS_MAX && isWorthRetrying(error);
      if (!again || performance.now() + RETRY_AFTER_MS * attempt >= deadlineMs) throw error;
    } finally {
      void lane.settled().then(() => line.giveBack(lane));
    }
    await delay(RETRY_AFTER_MS * attempt);
  }
}
