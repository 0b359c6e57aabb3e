import postgres from 'postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL server of this run; `stores.ts` makes databases in it. */
    postgresUrl: string;
    /** The Redis server of this run; `stores.ts` hands out its database numbers. */
    redisUrl: string;
  }
}

export const TEMPLATE_DATABASE = 'admit_one_template';

/** Once per run: a migrated database that every test file clones, instead of migrating one itself. */
export default async function setup(project: TestProject): Promise<void> {
  const { TEST_POSTGRES_URL: postgresUrl, TEST_REDIS_URL: redisUrl } = process.env;
  if (!postgresUrl || !redisUrl) {
    throw new Error(
      'The tests need a PostgreSQL and a Redis of their own: run `npm test` (for one folder: `npm test -- gateway/queue`).',
    );
  }
  await makeTemplate(postgresUrl);
  project.provide('postgresUrl', postgresUrl);
  project.provide('redisUrl', redisUrl);
}

async function makeTemplate(postgresUrl: string): Promise<void> {
  const sql = postgres(postgresUrl, { max: 1 });
  try {
    await sql`create database ${sql(TEMPLATE_DATABASE)}`;
    const url = new URL(postgresUrl);
    url.pathname = TEMPLATE_DATABASE;
    await migrate(url.href);
    // Cloning needs a template that nobody is connected to; from now on nobody can be.
    await sql`alter database ${sql(TEMPLATE_DATABASE)} with is_template true allow_connections false`;
  } finally {
    await sql.end();
  }
}

/** Brings a database to the schema of the services under test. */
export async function migrate(databaseUrl: string): Promise<void> {
  const path = new URL('../../booking-service/db/migrate.ts', import.meta.url).href;
  const module: { migrate: (databaseUrl: string) => Promise<void> } = await import(path);
  await module.migrate(databaseUrl);
}
