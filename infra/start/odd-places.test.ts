import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { buildServices, nodeArgs } from '../local/built-services.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The clone's name; the data folder's has a test of its own (real-start.test.ts). */
const ODD = `a b #1 50%25 'q' é [x]*? $& $$ & ~`;
/** All that the services are made of. */
const SOURCES = ['package.json', 'tsconfig.json', 'shared', 'gateway', 'booking-service'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'admit-one-odd-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a built script says and ends with. */
const run = (script: string, env: Record<string, string>): Promise<{ code: unknown; said: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, nodeArgs(script), { env, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: `${stdout}${stderr}` }),
    );
  });

test('services that are made in a folder of any name find their SQL and their Lua, and have their pages’ scripts and styles in them', async () => {
  const clone = join(folder, ODD);
  for (const each of SOURCES) cpSync(join(root, each), join(clone, each), { recursive: true });
  await symlink(join(root, 'node_modules'), join(clone, 'node_modules'));
  const built = await buildServices({ root: clone, folder: join(clone, 'services') });

  const server = postgres(inject('postgresUrl'), { max: 1 });
  const database = 'made_in_an_odd_place';
  await server`create database ${server(database)}`;
  try {
    const url = new URL(inject('postgresUrl'));
    url.pathname = database;
    expect(await run(built.migrate, { DATABASE_URL: url.href })).toMatchObject({ code: 0 });
  } finally {
    await server`drop database ${server(database)} with (force)`;
    await server.end();
  }
  // It has read its Lua by the time when it misses what it needs of the environment.
  expect(await run(built.gateway, {})).toEqual({
    code: 1,
    said: expect.stringContaining('REDIS_URL: must be set'),
  });
});
