import { z } from 'zod';
import { systemClock } from '#shared/clock.ts';
import { envVariables, readEnv } from '#shared/env.ts';
import { createLog } from '#shared/log.ts';
import { createDb } from './db/client.ts';
import { directUrlOf } from './db/session.ts';
import { seedDemo } from './seed.ts';

const { DATABASE_URL, DATABASE_DIRECT_URL, LOG_LEVEL } = envVariables;

try {
  const env = readEnv(z.object({ DATABASE_URL, DATABASE_DIRECT_URL, LOG_LEVEL }));
  const db = createDb(directUrlOf(env), { applicationName: 'admit-one/seed', connections: 1 });
  try {
    await seedDemo(db, systemClock());
  } finally {
    await db.close();
  }
  createLog('seed', env.LOG_LEVEL).info('the demo concert is there');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
