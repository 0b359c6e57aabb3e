import postgres from 'postgres';
import { Problem } from '#shared/problem.ts';
import { type Pooling, sessionSettings } from './session.ts';
import { arrayTypes } from './types.ts';

export type Sql = postgres.Sql;
/** A statement is a function, so that it can be sent again on another connection when its answer was lost. */
export type Statement<Row extends postgres.Row> = (sql: Sql) => postgres.PendingQuery<Row[]>;

const CONNECT_TIMEOUT_SECONDS = 2;
const RECONNECT_AFTER_SECONDS = 0.05;
const IDLE_TIMEOUT_SECONDS = 120;
/** How long a call that came too late may still take to end before its connection is given up. */
const GIVE_UP_GRACE_MS = 500;
/** A pooler tells a session the name of whoever uses it next, one question more, unless all have the same. */
const POOLED_NAME = 'admit-one/pooled';

export type Lane = {
  /** Runs one statement and rejects after `timeoutMs` at the latest. */
  run: <Row extends postgres.Row>(statement: Statement<Row>, timeoutMs: number) => Promise<readonly Row[]>;
  /** Resolves when the lane can carry the next statement. */
  settled: () => Promise<void>;
  close: () => Promise<void>;
};

/**
 * One connection that carries one statement at a time. The server ends a statement beyond its time by itself; if it does
 * not, because it or the way to it hangs, the connection is thrown away and the next statement opens a new one. (Asking
 * for cancellation would need a further connection, and the driver loses its failure: the process would end with it.)
 */
export function createLane(databaseUrl: string, applicationName: string, pooling: Pooling = {}): Lane {
  let sql = connect(databaseUrl, applicationName, pooling);
  let settled: Promise<void> = Promise.resolve();

  const giveUp = async (done: Promise<unknown>): Promise<void> => {
    const ended = done.then(() => true);
    if (await Promise.race([ended, delay(GIVE_UP_GRACE_MS)])) return;
    // The connection may be beyond ending; what it says to that concerns nobody any more.
    sql.end({ timeout: 0 }).catch(ignore);
    sql = connect(databaseUrl, applicationName, pooling);
  };

  const run = async <Row extends postgres.Row>(
    statement: Statement<Row>,
    timeoutMs: number,
  ): Promise<readonly Row[]> => {
    const query = statement(sql);
    const done = query.then(ignore, ignore);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        settled = giveUp(done);
        reject(new Problem('unavailable', 'This took too long. Please try again.', { cause: 'deadline' }));
      }, timeoutMs);
    });
    try {
      return await Promise.race([query, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  return { run, settled: () => settled, close: () => sql.end({ timeout: 2 }) };
}

const connect = (databaseUrl: string, applicationName: string, { isPooled, isPrepared }: Pooling): Sql =>
  postgres(databaseUrl, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    idle_timeout: IDLE_TIMEOUT_SECONDS,
    backoff: () => RECONNECT_AFTER_SECONDS,
    onnotice: ignore,
    fetch_types: false,
    types: arrayTypes,
    ...(isPrepared === false && { prepare: false }),
    connection: isPooled
      ? { application_name: POOLED_NAME }
      : { application_name: applicationName, ...sessionSettings },
  });

const delay = (ms: number): Promise<false> =>
  new Promise((resolve) => setTimeout(resolve, ms, false).unref());
const ignore = (): void => undefined;
