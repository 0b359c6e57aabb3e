import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { unpackStates } from '#shared/seat-codes.ts';
import { type OwnPostgres, ownPostgres } from '../../infra/testing/postgres-server.ts';
import type { TestBooking } from '../testing/booking.ts';
import { holdSeats } from '../testing/buy.ts';
import { startSelling } from '../testing/on-sale.ts';

const SEATS = 20;
const HEAL_MS_MAX = 10_000;

let server: OwnPostgres;
let booking: TestBooking;
let sale: string;

beforeAll(async () => {
  server = await ownPostgres();
  const hall = [{ name: 'A', rows: 2, seatsPerRow: SEATS / 2, amount: 1_000 }];
  ({ booking, sale } = await startSelling(hall, { seatsPerFan: SEATS }, { databaseUrl: server.url }));
});
afterAll(async () => {
  await booking.stop();
  await server.stop();
});

/** What a standby knows that did not hear of what is done meanwhile, and then takes over. */
async function missing(meanwhile: () => Promise<unknown>): Promise<void> {
  const [own, standby] = [join(server.folder, 'postgres/cluster'), join(server.folder, 'postgres/standby')];
  await server.shutDown();
  execFileSync('cp', ['-a', own, standby]);
  await server.start();
  await meanwhile();
  await server.crash();
  await rm(own, { recursive: true });
  execFileSync('mv', [standby, own]);
  await server.start();
}

const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: HEAL_MS_MAX, interval: 50 });

test('a database that took over without the last commits is believed: what was held in them is open again, and what is held since is seen', async () => {
  const seen = async () => {
    const { body } = await (await booking.admit(sale)).request('GET', '/seats');
    return [...unpackStates(String(body.statuses), new Uint8Array(SEATS))];
  };
  await missing(async () => {
    await soon(async () => void (await holdSeats(await booking.admit(sale), 'A-1-1', 'A-1-2', 'A-1-3')));
    await soon(async () => expect((await seen()).slice(0, 3)).toEqual([1, 1, 1]));
  });
  const fan = await booking.admit(sale);
  await soon(async () => void (await holdSeats(fan, 'A-2-1')));
  await soon(async () => {
    const states = await seen();
    expect({ lost: states.slice(0, 3), since: states[SEATS / 2] }).toEqual({ lost: [0, 0, 0], since: 1 });
  });
  await holdSeats(await booking.admit(sale), 'A-1-2');
});
