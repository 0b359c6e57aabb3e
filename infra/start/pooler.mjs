import { join } from 'node:path';
import { preparePgbouncer } from '../local/pgbouncer.mjs';
import { timed } from '../local/progress.mjs';
import { keepRunning } from './restarts.mjs';
import { POSTGRES_SETTINGS } from './stores.mjs';

/** Connections of a booking service, its inventory's included, and of a worker (booking-service/db/client.ts, main.ts, worker-main.ts). */
const OF_A_BOOKING_SERVICE = 11;
const OF_A_WORKER = 6;
/** What is left of PostgreSQL's connections for whoever goes past the pooler besides the listening workers: migrations, tools, people. */
const OTHERS = 20;
const WAYS = ['on', 'off'];

/** POOLER as it is meant: on, if PostgreSQL is ours; whoever names another may have put a pooler in front of it. */
export function readPooler(env, { scaled, faults }) {
  if (env.DATABASE_DIRECT_URL && !env.DATABASE_URL) {
    faults.push(
      'DATABASE_DIRECT_URL is PostgreSQL itself behind the pooler of DATABASE_URL; set both or none.',
    );
  }
  if (!scaled) {
    if (env.POOLER === 'on') faults.push('POOLER=on is for npm run start:scaled; leave it out.');
    return false;
  }
  const text = env.POOLER || (env.DATABASE_URL ? 'off' : 'on');
  if (!WAYS.includes(text)) faults.push(`POOLER is ${JSON.stringify(text)}; it must be on or off.`);
  if (text === 'on' && env.DATABASE_URL) {
    faults.push(
      'POOLER=on is for the PostgreSQL that is started here, and DATABASE_URL names another; leave one of them out.',
    );
  }
  return text === 'on';
}

/**
 * PgBouncer between the services and PostgreSQL, running: as many sessions as the services have connections, as long as
 * PostgreSQL has them. `environment` is what tells the services. `renew` is for what migrations change: sessions that live on
 * would keep plans of statements whose results are others now.
 */
export async function openPooler({ roster, budget, giveUp, root, dataDir, settings, databaseUrl }) {
  const connections = OF_A_BOOKING_SERVICE * settings.bookingPorts.length + OF_A_WORKER * settings.workers;
  const sessionsMax = POSTGRES_SETTINGS.max_connections - settings.workers - OTHERS;
  return timed(
    ({ title }) => `${title} ready`,
    async () => {
      const pgbouncer = await preparePgbouncer({
        ...{ roster, root, dataDir, databaseUrl },
        binaries: join(dataDir, 'pgbouncer-server'),
        poolSize: Math.min(connections, sessionsMax),
        // Each service is there twice while it is replaced, and somebody may look on.
        clientsMax: 2 * connections + OTHERS,
      });
      await keepRunning({ what: 'PgBouncer', start: pgbouncer.start, roster, budget, giveUp });
      const environment = {
        DATABASE_URL: pgbouncer.url,
        DATABASE_DIRECT_URL: databaseUrl,
        DATABASE_PREPARE: pgbouncer.prepares ? 'on' : 'off',
      };
      // What was never prepared need not be prepared anew, and cuts nobody off.
      const renew = async () => pgbouncer.prepares && pgbouncer.renew();
      return { title: pgbouncer.title, environment, renew };
    },
  );
}
