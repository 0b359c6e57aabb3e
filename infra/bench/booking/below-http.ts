import type postgres from 'postgres';
import { systemClock } from '#shared/clock.ts';
import { newId, newSecretId } from '#shared/ids.ts';
import { createLog } from '#shared/log.ts';
import { createDb, type Db } from '../../../booking-service/db/client.ts';
import type { HoldAttempt } from '../../../booking-service/hold/attempt.ts';
import { takeSeats } from '../../../booking-service/hold/take.ts';
import { createInventory } from '../../../booking-service/inventory/inventory.ts';
import { counted } from '../../../booking-service/testing/counted.ts';
import { type Figure, median } from '../figures.ts';
import { measurePgbench } from './pgbench.ts';
import { IN_FLIGHT, ROUND_MS, ROUNDS, SEATS, SEATS_PER_FAN, say } from './settings.ts';
import { makeHouse } from './shop.ts';

const FANS = 1_000;
const LONELY = 300;
/** Of the baseline, which gives up after some seconds. */
const FANS_ONE_BY_ONE = 20;

/** What the database itself can do for holds, without HTTP. */
export async function measureBelowHttp(
  sql: postgres.Sql,
  databaseUrl: string,
  port: number,
): Promise<Figure[]> {
  const made = (isOneByOne: boolean) => createDb(databaseUrl, { applicationName: 'bench', isOneByOne });
  const plain = made(true);
  const own = made(false);
  const inventoryDb = createDb(databaseUrl, { applicationName: 'bench-inventory', connections: 1 });
  const byCount = counted(own);
  const attempt = (event: string, sale: string, seat: number): HoldAttempt => ({
    ...{ hold: newSecretId(), sale, event, fan: newId(), admission: newId(), idempotencyKey: null },
    ...{
      requestDigest: '',
      seats: [seat],
      quantity: 1,
      sections: [],
      holdMs: 600_000,
      seatsPerFan: SEATS_PER_FAN,
    },
  });

  const wins = async (db: Db): Promise<number> => {
    const { event, sale } = await makeHouse(sql, port, SEATS);
    let next = 0;
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async () => {
        while (performance.now() - startedAt < ROUND_MS && next < SEATS) {
          // A prime that has no factor in common with the number of seats: each comes once, none beside the last.
          const seat = (next * 7_919) % SEATS;
          next += 1;
          await takeSeats(db, attempt(event, sale, seat));
        }
      }),
    );
    const ms = performance.now() - startedAt;
    const [row] = await sql<{ held: number }[]>`
      select count(*)::int as held from seat where event = ${event} and state = 1`;
    if (next === SEATS) say('a round sold everything before its time');
    return ((row?.held ?? 0) * 1000) / ms;
  };

  const oneSeat = async (db: Db): Promise<number> => {
    const { event, sale } = await makeHouse(sql, port, SEATS);
    const startedAt = performance.now();
    const taken = await Promise.all(
      Array.from({ length: FANS }, () => takeSeats(db, attempt(event, sale, 0))),
    );
    const ms = performance.now() - startedAt;
    const held = taken.filter(({ outcome }) => outcome === 'held').length;
    const refused = taken.filter(({ outcome }) => outcome === 'taken').length;
    if (held !== 1 || refused !== FANS - 1)
      throw new Error(`${held} fans have the seat, ${refused} were refused`);
    return ms;
  };

  /** How many fans a second get the best pair of a large hall, all of them asking at once. */
  const bestPairs = async (db: Db, fans: number): Promise<number> => {
    const { event, sale } = await makeHouse(sql, port, SEATS);
    const inventory = createInventory({
      db: inventoryDb,
      clock: systemClock,
      log: createLog('bench', 'error'),
    });
    await inventory.refresh();
    const startedAt = performance.now();
    const taken = await Promise.all(
      Array.from({ length: fans }, () =>
        takeSeats(db, { ...attempt(event, sale, 0), seats: null, quantity: 2, sections: [0] }, inventory),
      ),
    );
    const ms = performance.now() - startedAt;
    if (!taken.every(({ outcome }) => outcome === 'held')) throw new Error('somebody did not get a pair');
    await inventory.stop();
    return (fans * 1000) / ms;
  };

  const lonely = async (): Promise<number> => {
    const { event, sale } = await makeHouse(sql, port, SEATS);
    const times: [number[], number[]] = [[], []];
    for (let i = 0; i < 2 * LONELY; i += 1) {
      const startedAt = performance.now();
      await takeSeats(i % 2 === 0 ? plain : own, attempt(event, sale, i));
      times[(i % 2) as 0 | 1].push(performance.now() - startedAt);
    }
    return median(times[1]) / median(times[0]);
  };

  try {
    await wins(own);
    await oneSeat(plain);
    const rates: number[] = [];
    const ofPgbench: (number | null)[] = [];
    const times: number[] = [];
    const ratios: number[] = [];
    const callsOfOneSeat: number[] = [];
    const lonelyRatios: number[] = [];
    const pairs: [number, number][] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const base = await measurePgbench(sql, databaseUrl);
      ofPgbench.push(base);
      rates.push(await wins(own));
      const plainMs = await oneSeat(plain);
      const before = byCount.calls();
      const ownMs = await oneSeat(byCount);
      callsOfOneSeat.push(byCount.calls() - before);
      times.push(ownMs);
      ratios.push(ownMs / plainMs);
      lonelyRatios.push(await lonely());
      pairs.push([await bestPairs(plain, FANS_ONE_BY_ONE), await bestPairs(own, FANS)]);
      say(
        `below HTTP, round ${round + 1}: ${Math.round(rates.at(-1) ?? 0)} wins/s, pgbench ${Math.round(base ?? 0)}/s; one seat ${ownMs.toFixed(0)} ms of ${plainMs.toFixed(0)}`,
      );
    }
    const figures: Figure[] = [
      {
        ...{
          what: `${FANS} fans on one seat, all answered`,
          rounds: ratios,
          unit: ' ×',
          bound: 0.25,
          side: 'at most',
        },
        note: `${median(times).toFixed(0)} ms`,
      },
      {
        what: `${FANS} fans want the best pair of ${SEATS} seats, against plain`,
        rounds: pairs.map(([base, all]) => all / base),
        ...{ unit: ' ×', bound: 2.5, side: 'at least' },
        note: `${Math.round(median(pairs.map(([, all]) => all)))}/s of ${Math.round(median(pairs.map(([base]) => base)))}/s`,
      },
      { what: 'calls for that', rounds: callsOfOneSeat, unit: '', bound: 10, side: 'at most', digits: 0 },
      {
        what: 'one lonely hold, against plain',
        rounds: lonelyRatios,
        unit: ' ×',
        bound: 1.05,
        side: 'at most',
      },
    ];
    if (ofPgbench.some((rate) => rate === null)) {
      say('NOT MEASURED: there is no pgbench (Debian: postgresql-contrib) to compare with.');
      return figures;
    }
    const note = `${Math.round(median(rates))} wins/s, pgbench ${Math.round(median(ofPgbench as number[]))}/s`;
    const against = rates.map((rate, i) => rate / (ofPgbench[i] as number));
    return [
      {
        what: 'wins below HTTP, against pgbench',
        rounds: against,
        unit: ' ×',
        bound: 2.5,
        side: 'at least',
        note,
      },
      ...figures,
    ];
  } finally {
    await Promise.all([plain.close(), own.close(), inventoryDb.close()]);
  }
}
