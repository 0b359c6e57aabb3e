import { z } from 'zod';
import { envVariables, readEnv } from '#shared/env.ts';
import { createLog } from '#shared/log.ts';
import { migrate } from './migrate.ts';
import { directUrlOf } from './session.ts';

const { DATABASE_URL, DATABASE_DIRECT_URL, LOG_LEVEL } = envVariables;

try {
  const env = readEnv(z.object({ DATABASE_URL, DATABASE_DIRECT_URL, LOG_LEVEL }));
  await migrate(directUrlOf(env));
  createLog('migrate', env.LOG_LEVEL).info('the database is current');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
