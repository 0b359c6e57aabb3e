import postgres from 'postgres';
import { expect, test } from 'vitest';
import { ownPostgres } from './postgres-server.ts';

const FROZEN_MS = 300;

test('a PostgreSQL that was shut down, crashed or stopped comes back at the same address, migrated and with what it had', async () => {
  const server = await ownPostgres();
  const ask = async () => {
    const sql = postgres(server.url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
    try {
      return await sql<
        { number: number }[]
      >`select count(*)::int as number from migration where number < 1000`;
    } finally {
      await sql.end();
    }
  };
  try {
    const [before] = await ask();
    expect(before?.number).toBeGreaterThan(0);
    await server.shutDown();
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();
    expect(await ask()).toEqual([before]);
    await server.crash();
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.start();
    expect(await ask()).toEqual([before]);

    const open = postgres(server.url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
    await open`select`;
    server.freeze();
    let hasAnswered = false;
    const asked = open`select`.then(() => {
      hasAnswered = true;
    });
    // What answers at once otherwise has had many times as long.
    await new Promise((resolve) => setTimeout(resolve, FROZEN_MS));
    expect(hasAnswered).toBe(false);
    server.thaw();
    await asked;
    await open.end();
    expect(await ask()).toEqual([before]);
  } finally {
    await server.stop();
  }
});
