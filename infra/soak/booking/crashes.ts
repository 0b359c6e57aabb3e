import postgres from 'postgres';
import { pause } from '../../crowd/world.ts';
import type { Disturbance } from '../../history/disturbance.ts';
import type { OwnPostgres } from '../../testing/postgres-server.ts';
import type { Random } from '../../testing/random.ts';
import type { OwnRedis } from '../../testing/redis-server.ts';
import type { ServiceName, Services } from '../../testing/services.ts';

export type Crashing = {
  services: Services;
  database: OwnPostgres;
  redis: OwnRedis;
  random: Random;
  isOver: () => boolean;
  disturbances: Disturbance[];
};

const BOOKINGS: ServiceName[] = ['booking', 'booking-2'];
/** Longer than any lease of an order: whoever wakes then finds others at its work. */
const FROZEN_MS_MAX = 14_000;
const SHORTLY_FROZEN_MS_MAX = 4_000;
const DOWN_MS_MAX = 1_500;
const LOCKED_MS_MAX = 4_000;
const CUTS_MAX = 6;

/** Processes of the shop die or stop, one after another, until it is over; all run again when it resolves. */
export async function crashServices(crashing: Crashing): Promise<void> {
  const { services, random } = crashing;
  const kill = async (name: ServiceName) => {
    await services.kill(name);
    await pause(random.between(0, DOWN_MS_MAX));
    await services.restart(name);
  };
  const freeze = async (name: ServiceName, ms: number) => {
    services.freeze(name);
    try {
      await pause(ms);
    } finally {
      services.thaw(name);
    }
  };
  const kinds = {
    'booking service killed': () => kill(random.pick(BOOKINGS)),
    'booking service frozen': () =>
      freeze(
        random.pick(BOOKINGS),
        random.between(500, random.chance(0.15) ? FROZEN_MS_MAX : SHORTLY_FROZEN_MS_MAX),
      ),
    'worker killed': () => kill('worker'),
    'worker frozen': () => freeze('worker', random.between(500, FROZEN_MS_MAX)),
  };
  const weights = {
    ...{
      'booking service killed': 35,
      'booking service frozen': 25,
      'worker killed': 25,
      'worker frozen': 15,
    },
  };
  await crashOn('services', crashing, [2_000, 8_000], () => random.weighted(weights), kinds);
}

/** The same for the stores and the connections to them. */
export async function crashStores(crashing: Crashing): Promise<void> {
  const { database, redis, random } = crashing;
  const kinds = {
    'connections cut': () => cutConnections(database.url, random),
    'seats locked by somebody else': () => lockSeats(database.url, random),
    'PostgreSQL crashed': async () => {
      await database.crash();
      await pause(random.between(0, DOWN_MS_MAX));
      await database.start();
    },
    'Redis killed': async () => {
      await redis.kill();
      await pause(random.between(0, DOWN_MS_MAX));
      await redis.start();
    },
  };
  const weights = {
    ...{
      'connections cut': 45,
      'seats locked by somebody else': 25,
      'PostgreSQL crashed': 18,
      'Redis killed': 12,
    },
  };
  await crashOn('stores', crashing, [2_500, 8_000], () => random.weighted(weights), kinds);
}

async function crashOn<Kind extends string>(
  of: Disturbance['of'],
  { random, isOver, disturbances }: Crashing,
  [leastMs, mostMs]: [number, number],
  choose: () => Kind,
  kinds: Record<Kind, () => Promise<void>>,
): Promise<void> {
  for (;;) {
    const nextAt = Date.now() + random.between(leastMs, mostMs);
    while (Date.now() < nextAt && !isOver()) await pause(50);
    if (isOver()) return;
    const kind = choose();
    const disturbance = { of, kind, from: Date.now(), to: Number.POSITIVE_INFINITY };
    disturbances.push(disturbance);
    await kinds[kind]();
    disturbance.to = Date.now();
  }
}

/** As an administrator, or a network that loses connections, would. */
async function cutConnections(url: string, random: Random): Promise<void> {
  await withOwnConnection(url, async (sql) => {
    for (let round = random.between(1, 4); round > 0; round -= 1) {
      const pids = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity
        where datname = current_database() and application_name like 'admit-one/%' order by pid`;
      for (const { pid } of random.sample(pids, random.between(1, CUTS_MAX)))
        await sql`select pg_terminate_backend(${pid})`;
      await pause(random.between(50, 400));
    }
  });
}

/** A session that is none of ours keeps seats of the newest event. */
async function lockSeats(url: string, random: Random): Promise<void> {
  await withOwnConnection(url, async (sql) => {
    await sql`begin`;
    await sql`
      select from seat where event = (select id from event order by created_at desc limit 1) and seat % 5 = 0
      order by seat for update nowait`;
    await pause(random.between(300, LOCKED_MS_MAX));
    await sql`rollback`;
  });
}

/** What it cannot do, because the seats are locked or the database is away, is left out. */
async function withOwnConnection(url: string, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
  try {
    await work(sql);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
