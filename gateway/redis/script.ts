import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { idPattern } from '#shared/ids.ts';
import { counter, histogram } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import type { RedisClient } from './client.ts';
import type { Heard } from './heard.ts';
import { saleKeys } from './keys.ts';
import { prelude } from './prelude.ts';

const durations = histogram(
  'admit_one_redis_call_duration_seconds',
  'How long scripts took, the way there and back included, answered or not.',
  ['script'],
);
const errors = counter('admit_one_redis_errors_total', 'Scripts that failed or had no answer in time.', [
  'script',
]);

/**
 * Redis and the time its scripts go by: null for Redis' own clock, a number in tests. `heard`: what it has answered; without,
 * whoever asks remembers nothing.
 */
export type Store = { redis: RedisClient; time: () => number | null; heard?: Heard };

type Argument = string | number | Buffer;

type Runner<Reply> = (store: Store, sale: string, args?: Argument[]) => Promise<Reply>;

/**
 * A Lua file as a function of a sale. The call is atomic, goes to the keys of that sale only, and throws `unavailable`
 * when Redis does not answer in time: whether the script ran is then unknown, so every script bears repetition.
 */
export function saleScript<Reply>(file: URL, reply: 'text' | 'bytes' = 'text'): Runner<Reply> {
  const run = loaded<Reply>(nameOf(file), `${prelude}\n${readFileSync(file, 'utf8')}`, reply);
  return async ({ redis, time }, sale, args = []) => {
    // What is no id is no sale, before a key is made of it.
    if (!idPattern.test(sale)) throw new Problem('not-found', 'There is no such sale.');
    return run(redis, saleKeys(sale), [time() ?? '', ...args]);
  };
}

/** The same for a file that belongs to no sale and stands without the prelude: its caller names the keys, of one slot. */
export function keyScript<Reply>(file: URL) {
  const run = loaded<Reply>(nameOf(file), readFileSync(file, 'utf8'), 'text');
  return ({ redis }: Store, keys: string[], args: Argument[]) => run(redis, keys, args);
}

const nameOf = (file: URL): string => basename(file.pathname, '.lua');

function loaded<Reply>(name: string, source: string, reply: 'text' | 'bytes') {
  const digest = createHash('sha1').update(source).digest('hex');
  return async (redis: RedisClient, keys: string[], args: Argument[]): Promise<Reply> => {
    const rest = [keys.length, ...keys, ...args];
    const run = (command: string, script: string): Promise<unknown> =>
      reply === 'bytes' ? redis.callBuffer(command, script, ...rest) : redis.call(command, script, ...rest);
    const startedAt = performance.now();
    try {
      return (await run('evalsha', digest).catch((error: unknown) => {
        if (isNoScript(error)) return run('eval', source);
        throw error;
      })) as Reply;
    } catch (error) {
      errors.count(name);
      throw redisProblem(error);
    } finally {
      durations.observe((performance.now() - startedAt) / 1000, name);
    }
  };
}

const isNoScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT');

/** Whether Redis was not reached, or did not answer in time: then it would not answer anybody else either. */
export const isAway = (error: unknown): boolean =>
  error instanceof Problem && error.cause instanceof Error && error.cause.name !== 'ReplyError';

/** Whatever Redis fails with is a moment's unavailability to the outside. */
export const redisProblem = (cause: unknown): Problem =>
  new Problem('unavailable', 'The queue cannot be reached for a moment. Your place is kept.', { cause });
