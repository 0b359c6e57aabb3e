import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { Problem } from '#shared/problem.ts';
import { claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { leavePlace, lookUpEntry, takePlace } from '../queue/place.ts';
import { keepPresence, type Presence } from '../queue/presence.ts';
import { saleKey } from '../redis/keys.ts';
import { entryOf, type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { testSigningKeys } from '../testing/test-keys.ts';
import { readSaleStats } from './stats.ts';

const LOBBY_SECONDS = 20;
const FANS = 5;
const USES = 2;
const codes = ['blue', 'green'];

let f: QueueFixture;
let keys: SigningKeys;
let presence: Presence;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
  presence = keepPresence(f.store, () => [], silentLog);
});
afterAll(async () => {
  await presence.stop();
  await f.close();
});

/** Each time a reader of its own: what is tested is one moment, not what is remembered of an earlier one. */
const statsOf = (sale: string): Promise<StatsAnswer> =>
  readSaleStats({
    store: f.store,
    stockOf: () => null,
    door: () => ({ requests: 0, errors: 0, p50Ms: null, p99Ms: null }),
  }).read(sale);

/** How many entries are in which state. */
const figuresOf = ({ lobby, waiting, ready, admitted, ended }: StatsAnswer): [string, number][] =>
  Object.entries({ lobby, waiting, ready, admitted, ...ended });

const sumOf = (stats: StatsAnswer): number => figuresOf(stats).reduce((sum, [, count]) => sum + count, 0);

/** What a fan may be told without it being a fault of the queue. */
const refused = (error: unknown): null => {
  if (error instanceof Problem && error.code !== 'unavailable') return null;
  throw error;
};

/** A sale with a lobby, and everybody who ever got a place in it. */
async function crowd(withCodes: boolean) {
  const sale = await f.sale(
    {
      capacity: 2,
      admitPerMinute: 1_000_000,
      graceSeconds: 24,
      claimSeconds: 12,
      admissionSeconds: 8,
      lobbyOpensAt: new Date(f.now() - 1_000).toISOString(),
      opensAt: new Date(f.now() + LOBBY_SECONDS * 1_000).toISOString(),
      accessCodeUses: withCodes ? USES : null,
    },
    codes,
  );
  const tickets: (string | null)[] = Array.from({ length: FANS }, () => null);
  const codeOfEntry = new Map<string, string>();
  const set = (field: string, value: number) => f.redis.hset(saleKey(sale, 'sale'), field, value);
  const withTicket = async (fan: number, act: (entry: string) => Promise<unknown>) => {
    const entry = tickets[fan];
    if (entry) await act(entry).catch(refused);
  };
  const acts = {
    join: async (fan: number) => {
      const code = codes[fan % codes.length] as string;
      const known = { ticketEntry: tickets[fan] ?? null, keyEntry: entryOf(`fan-${fan}`) };
      const place = await takePlace(f.store, sale, known, code).catch(refused);
      if (!place) return;
      tickets[fan] = place.entry.id;
      codeOfEntry.set(place.entry.id, code);
    },
    leave: (fan: number) => withTicket(fan, (entry) => leavePlace(f.store, sale, entry)),
    ask: (fan: number) => withTicket(fan, (entry) => lookUpEntry(f.store, sale, entry)),
    claim: (fan: number) => withTicket(fan, (entry) => claimTurn(f.store, keys, sale, entry)),
    order: (fan: number) => withTicket(fan, (entry) => finishAdmission(f.store, sale, entry, 'an-order')),
    pass: async (seconds: number) => f.pass(seconds * 3),
    turns: () => giveTurns(f.store, sale),
    freeze: () => freezeLobby(f.store, sale),
    draw: () => f.draw(sale),
    stayAway: async () => {
      for (let merges = 0; merges < 7; merges += 1) {
        f.pass(5);
        await presence.merge(sale);
      }
    },
    capacity: (size: number) => set('capacity', 1 + (size % 3)),
    pause: (on: number) => set('paused', on % 2),
    sellOut: (on: number) => set('soldOut', on % 5 === 0 ? 1 : 0),
    close: (fan: number) => set('closedAt', fan === 0 ? f.now() + 100_000 : 0),
  };
  return { sale, acts, codeOfEntry };
}

type Acts = Awaited<ReturnType<typeof crowd>>['acts'];
const often: (keyof Acts)[] = ['join', 'claim', 'turns', 'pass', 'leave', 'ask', 'order'];
const seldom: (keyof Acts)[] = [
  'freeze',
  'draw',
  'stayAway',
  'capacity',
  'pause',
  'sellOut',
  'close',
  'turns',
];
const act = fc.record({
  name: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...often) }, fc.constantFrom(...seldom)),
  fan: fc.nat(FANS - 1),
});
/** Enough for every state to be seen; another seed is another search. */
const search = { numRuns: 50, seed: 1 };

test('whatever fans, organisers and time do, in any order: the figures add up, and each counts who is in that state', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 30, maxLength: 60 }),
      fc.boolean(),
      async (script, withCodes) => {
        const { sale, acts, codeOfEntry } = await crowd(withCodes);
        for (const { name, fan } of script) {
          await acts[name](fan);
          const stats = await statsOf(sale);
          expect(sumOf(stats)).toBe(stats.joined);
          for (const [state, count] of figuresOf(stats)) if (count > 0) seen.add(state);
        }
        // The books against the entries, one by one: the figures first, for asking for an entry tidies it up.
        const stats = await statsOf(sale);
        const entries = await Promise.all(
          [...codeOfEntry.keys()].map((id) => lookUpEntry(f.store, sale, id)),
        );
        for (const [state, count] of figuresOf(stats)) {
          expect([state, entries.filter((entry) => entry?.state === state).length]).toEqual([state, count]);
        }
        expect((await statsOf(sale)).joined).toBe(stats.joined);
      },
    ),
    search,
  );
  expect([...seen].sort()).toEqual(
    [
      'admitted',
      'closed',
      'expired',
      'finished',
      'lapsed',
      'left',
      'lobby',
      'missed',
      'ready',
      'waiting',
    ].sort(),
  );
});

test('at every moment a code has at most as many places as it is good for', async () => {
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 30, maxLength: 60 }), async (script) => {
      const { sale, acts, codeOfEntry } = await crowd(true);
      const paidLate = new Set<string>();
      for (const { name, fan } of script) {
        const before = codeOfEntry.size;
        const key = saleKey(sale, 'entries');
        const expired = name === 'order' ? await f.redis.hgetall(key) : {};
        await acts[name](fan);
        for (const [id, packed] of Object.entries(expired)) {
          if (JSON.parse(packed).state === 'expired') paidLate.add(id);
        }
        if (name === 'join' && codeOfEntry.size === before) refusals += 1;
        if (name !== 'join') continue;
        const entries = await Promise.all(
          [...codeOfEntry.keys()].map(async (id) => ({ id, entry: await lookUpEntry(f.store, sale, id) })),
        );
        for (const code of codes) {
          const places = entries.filter(
            ({ id, entry }) =>
              codeOfEntry.get(id) === code &&
              entry !== null &&
              (['lobby', 'waiting', 'ready', 'admitted', 'finished'].includes(entry.state) ||
                entry.returning) &&
              // Paid in time, known late: its place had been given on by then.
              !(entry.state === 'finished' && paidLate.has(id)),
          );
          expect(places.length).toBeLessThanOrEqual(USES);
        }
      }
    }),
    { ...search, numRuns: 30 },
  );
  expect(refusals).toBeGreaterThan(0);
});

test('a fan who is back for a missed turn counts as missed, and as ready once the next turn is there', async () => {
  const sale = await f.sale({ capacity: 1, claimSeconds: 10 });
  await takePlace(f.store, sale, { ticketEntry: null, keyEntry: 'ada' });
  await giveTurns(f.store, sale);
  expect(await statsOf(sale)).toMatchObject({ joined: 1, ready: 1, returning: 0, joinedPerMinute: 1 });
  f.pass(10);
  expect(await statsOf(sale)).toMatchObject({ ready: 0, returning: 0, ended: { missed: 1 } });
  await lookUpEntry(f.store, sale, 'ada');
  expect(await statsOf(sale)).toMatchObject({ ready: 0, returning: 1, ended: { missed: 1 } });
  await giveTurns(f.store, sale);
  expect(await statsOf(sale)).toMatchObject({ ready: 1, returning: 0, ended: { missed: 0 } });
  f.pass(60);
  expect(await statsOf(sale)).toMatchObject({ joinedPerMinute: 0, admittedPerMinute: 0 });
});

test('the end of a sale closes who is back for a missed turn, before and after anybody tidies up', async () => {
  const sale = await f.sale({ capacity: 1, claimSeconds: 10 });
  for (const keyEntry of ['ada', 'ben']) await takePlace(f.store, sale, { ticketEntry: null, keyEntry });
  await giveTurns(f.store, sale);
  f.pass(10);
  await lookUpEntry(f.store, sale, 'ada');
  await f.redis.hset(saleKey(sale, 'sale'), 'soldOut', 1);
  const closed = { joined: 2, waiting: 0, returning: 0, ended: { missed: 0, closed: 2 } };
  expect(await statsOf(sale)).toMatchObject(closed);
  await giveTurns(f.store, sale);
  expect(await statsOf(sale)).toMatchObject(closed);
  expect((await f.redis.hgetall(saleKey(sale, 'queue')))['ended:closed']).toBe('2');
});

test('what is remembered is told with its age while Redis is away, and a sale nobody read is unavailable', async () => {
  const own = await queueFixture();
  const sale = await own.sale();
  const other = await own.sale();
  const stats = readSaleStats({
    store: own.store,
    stockOf: () => ({ open: 1, held: 2, sold: 3, blocked: 4 }),
    door: () => ({ requests: 1, errors: 0, p50Ms: 5, p99Ms: 9 }),
  });
  expect(await stats.read(sale)).toMatchObject({ sale, state: 'open', seats: { open: 1, blocked: 4 } });
  await expect(stats.read('nosuchsale1')).rejects.toMatchObject({ code: 'not-found' });
  await own.close();
  const aged = await vi.waitFor(async () => {
    const read = await stats.read(sale);
    expect(read.ageMs).toBeGreaterThan(250);
    return read;
  }, 5_000);
  expect(aged).toMatchObject({ sale, joined: 0, door: { requests: 1 } });
  await expect(stats.read(other)).rejects.toMatchObject({ code: 'unavailable' });
});
