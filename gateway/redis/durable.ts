import { EnvError } from '#shared/env.ts';
import { nodesOf } from '#shared/redis.ts';
import type { RedisClient } from './client.ts';

/**
 * Throws one EnvError for a Redis that forgets: one that evicts keys takes places away from fans, and one that writes nothing
 * down loses the whole queue with its process. Of a cluster each node is judged: a replica may be a master tomorrow. Throws
 * another error where none has a fault and one is away.
 */
export async function refuseForgetfulRedis(redis: RedisClient): Promise<void> {
  const found = await Promise.allSettled(nodesOf(redis).map(faultsOfNode));
  // A cluster of which no node was reached yet.
  if (found.length === 0) throw new Error('no node of Redis is known yet');
  const faults = new Set(found.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])));
  if (faults.size > 0) throw new EnvError([...faults]);
  const away = found.find((each) => each.status === 'rejected');
  if (away) throw away.reason;
}

async function faultsOfNode(node: RedisClient): Promise<string[]> {
  // INFO, not CONFIG: hosted servers allow no CONFIG.
  const info = await node.info();
  // Until it has read its file it says that it keeps none.
  if (/^loading:1/m.test(info)) throw new Error('Redis still reads its file');
  const faults: string[] = [];
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    faults.push(`REDIS_URL: this Redis evicts keys (${policy}); set its maxmemory-policy to noeviction`);
  }
  if (/^aof_enabled:0/m.test(info)) {
    faults.push('REDIS_URL: this Redis keeps no append-only file; set its appendonly to yes');
  }
  return faults;
}
