import { Redis } from 'ioredis';
import postgres from 'postgres';
import { expect, inject, test } from 'vitest';
import { createLog } from './log.ts';
import { Problem } from './problem.ts';

const EMAIL = 'canary-bird@example.org';

/** What is written of an error that is logged as all of them are. */
function written(error: unknown, more: object = {}): string {
  const lines: string[] = [];
  const log = createLog('test', 'trace', { write: (line: string) => lines.push(line) });
  log.warn({ err: error, ...more }, 'failed');
  return lines.join('');
}

const failureOf = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error,
  );

test('an error of PostgreSQL is told without the row that it refused', async () => {
  const sql = postgres(inject('postgresUrl'), { max: 1, onnotice: () => undefined });
  try {
    await sql`create temp table buyer (email text, seats int check (seats > 0))`;
    const error = await failureOf(sql`insert into buyer values (${EMAIL}, 0)`.then());
    expect(JSON.stringify({ ...error })).toContain(EMAIL);
    const line = written(new Problem('unavailable', 'x', { cause: error }));
    expect(line).toContain('23514');
    expect(line).toContain('buyer_seats_check');
    expect(line).not.toContain('canary-bird');
  } finally {
    await sql.end();
  }
});

test('an error of Redis is told without what was sent', async () => {
  const redis = new Redis(inject('redisUrl'));
  try {
    await redis.set('log-test', 'x');
    const error = await failureOf(redis.lpush('log-test', 'canary-argument'));
    expect(JSON.stringify({ ...error })).toContain('canary-argument');
    expect(written(error)).not.toContain('canary-argument');
    expect(written(error)).toContain('WRONGTYPE');
  } finally {
    redis.disconnect();
  }
});

test.each([
  [`550 <${EMAIL}> is unknown here`, 'canary-bird'],
  ['Bearer canary-token was refused', 'canary-token'],
  ['eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.c2ln is not valid', 'eyJjYW5hcnki'],
  ['q2.demo.AAAAAAAAAAA.12408.1.abcdefghijklmnopqrstuv is old', 'abcdefghijklmnopqrstuv'],
  ['connect ECONNREFUSED redis://default:canary-password@127.0.0.1:1', 'canary-password'],
])('a message that says %j is told without it', (message, secret) => {
  expect(written(new Error(message))).not.toContain(secret);
  expect(written(new Error('outside', { cause: new Error(message) }))).not.toContain(secret);
  expect(written(new AggregateError([new Error(message)], 'several'))).not.toContain(secret);
  expect(written(null, { path: `/${message}` })).not.toContain(secret);
});

test('where an error comes from is told, packages with an @ in their path included', () => {
  const error = new Error('lost');
  error.stack = 'Error: lost\n    at serve (file:///app/node_modules/@hono/node-server/dist/index.mjs:1:2)';
  expect(written(error)).toContain('node_modules/@hono/node-server/dist/index.mjs:1:2');
});
