import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { endProcess, type RunningProcess, until } from '../local/processes.mjs';
import { prepareRedisCluster, type RedisNode } from '../local/redis-cluster.mjs';
import { createRoster } from '../local/roster.mjs';

const WHOLE_MS_MAX = 40_000;
const COMMAND_MS_MAX = 1_000;

export type ClusterNode = {
  name: string;
  url: string;
  /** SIGKILL, as a crash would; resolves when the process is gone. */
  kill: () => Promise<void>;
  /** Stops it where it is, as a machine does that pauses, until it is thawed. */
  freeze: () => void;
  thaw: () => void;
  /** With the data it had, on the same port; resolves when it answers. */
  start: () => Promise<void>;
};

type Role<Node> = { node: Node; isMaster: boolean; isWell: boolean; master: Node | null };

/** A cluster as its nodes themselves see it at this moment. */
export type ClusterLook<Node> = {
  roles: () => Promise<Role<Node>[]>;
  /** The node that has a sale, and the one that would take over. */
  pairOf: (sale: string) => Promise<{ master: Node; replica: Node }>;
  /** Resolves when there are three masters, each with a replica that follows it. */
  whole: () => Promise<void>;
};

export type OwnRedisCluster = ClusterLook<ClusterNode> & {
  url: string;
  nodes: ClusterNode[];
  /** Cuts a replica off from its master, so that it misses what is written from now on; resolves to what ends that. */
  cutOff: (replica: ClusterNode) => Promise<() => Promise<void>>;
  stop: () => Promise<void>;
};

/** A Redis Cluster of the caller's own, three masters and a replica of each: for tests that kill and freeze its nodes. */
export async function ownRedisCluster(
  binaries = process.env.TEST_REDIS_BINARIES ?? '',
): Promise<OwnRedisCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-redis-cluster-'));
  const roster = createRoster({ detached: false });
  const stop = async () => {
    await roster.endAll();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const cluster = await prepareRedisCluster({ roster, dataDir, binaries, replicas: 1 });
    const nodes = await Promise.all(cluster.nodes.map(startNode));
    await cluster.form();
    return { url: cluster.url, nodes, ...lookAtCluster(nodes), cutOff, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startNode({ what, url, start }: RedisNode): Promise<ClusterNode> {
  let running: RunningProcess = await start();
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => () => {
    running.child.kill(name);
  };
  return {
    name: what,
    url,
    kill: async () => {
      await endProcess(running, []);
    },
    freeze: signal('SIGSTOP'),
    thaw: signal('SIGCONT'),
    start: async () => {
      running = await start();
    },
  };
}

async function cutOff(replica: ClusterNode): Promise<() => Promise<void>> {
  const masterauth = new URL(replica.url).password;
  await asked(replica.url, async (redis) => {
    await redis.config('SET', 'masterauth', 'nobody');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'master');
  });
  return () =>
    asked(replica.url, async (redis) => {
      await redis.config('SET', 'masterauth', masterauth);
    });
}

export function lookAtCluster<Node extends { url: string }>(nodes: Node[]): ClusterLook<Node> {
  const byAddress = new Map(nodes.map((node) => [new URL(node.url).host, node]));

  /** Of several views the newest counts: who was away believes what was. */
  const roles = async (): Promise<Role<Node>[]> => {
    const views = await Promise.all(nodes.map(({ url }) => asked(url, viewOf).catch(() => null)));
    const [newest] = views.filter((view) => view !== null).sort((a, b) => b.epoch - a.epoch);
    if (!newest) throw new Error('No node of the Redis Cluster answers.');
    const nodeOf = new Map(
      newest.lines.map(([id, address]) => [id, byAddress.get(address.split('@')[0] as string)]),
    );
    return newest.lines.flatMap(([id, , flags, masterId]) => {
      const node = nodeOf.get(id);
      const isMaster = flags.includes('master');
      const isWell = !flags.includes('fail');
      return node ? [{ node, isMaster, isWell, master: nodeOf.get(masterId) ?? null }] : [];
    });
  };

  return {
    roles,
    async pairOf(sale) {
      const all = await roles();
      const keys = `admit-one:{${sale}}:queue`;
      for (const { node, isMaster, isWell } of all) {
        if (!isMaster || !isWell) continue;
        // Whoever does not have the slot says who has.
        const isHere = await asked(node.url, (redis) => redis.exists(keys).then(() => true, isMoved));
        const replica = all.find(({ master, isWell }) => master === node && isWell);
        if (isHere && replica) return { master: node, replica: replica.node };
      }
      throw new Error(`No master with a replica has the sale ${sale}.`);
    },
    async whole() {
      const isWhole = async () => {
        const all = await roles().catch(() => []);
        const follows = all.filter(({ isMaster }) => !isMaster);
        const linked = await Promise.all(
          follows.map(({ node }) => asked(node.url, (redis) => redis.info('replication')).catch(() => '')),
        );
        const isEach = all
          .filter(({ isMaster }) => isMaster)
          .every(({ node }) => follows.some(({ master }) => master === node));
        return (
          all.length === nodes.length &&
          all.every(({ isWell }) => isWell) &&
          follows.length === nodes.length / 2 &&
          isEach &&
          linked.every((info) => info.includes('master_link_status:up'))
        );
      };
      if (!(await until(isWhole, WHOLE_MS_MAX)))
        throw new Error(`The Redis Cluster is not whole again after ${WHOLE_MS_MAX / 1_000} s.`);
    },
  };
}

type NodeLine = [id: string, address: string, flags: string, masterId: string];

async function viewOf(redis: Redis): Promise<{ epoch: number; lines: NodeLine[] }> {
  const lines = String(await redis.cluster('NODES'))
    .trim()
    .split('\n');
  const info = String(await redis.cluster('INFO'));
  const epoch = Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1]);
  const known = Number(/cluster_state:ok/.test(info));
  return { epoch: epoch + known / 2, lines: lines.map((line) => line.split(' ').slice(0, 4) as NodeLine) };
}

const isMoved = (error: Error): false => {
  if (!error.message.startsWith('MOVED')) throw error;
  return false;
};

async function asked<Result>(url: string, work: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, {
    ...{ commandTimeout: COMMAND_MS_MAX, connectTimeout: COMMAND_MS_MAX, retryStrategy: null },
    ...{ maxRetriesPerRequest: 0, enableReadyCheck: false, lazyConnect: true },
  });
  redis.on('error', () => undefined); // said by the command that fails
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
