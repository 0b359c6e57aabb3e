import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '#shared/problem.ts';
import { measurePolls } from '../queue/pace.ts';
import { leavePlace, takePlace } from '../queue/place.ts';
import { unlimitedPolls } from '../queue/poll-limit.ts';
import { keepPresence } from '../queue/presence.ts';
import { type Queue, readStatus } from '../queue/status.ts';
import { createTicketMint, type QueueTicket } from '../queue/ticket.ts';
import { watchQueues } from '../queue/watch.ts';
import { saleKey } from '../redis/keys.ts';
import { census, type QueueFixture, queueFixture, silentLog } from '../testing/queue-fixture.ts';
import { testSigningKeys } from '../testing/test-keys.ts';
import { claimTurn, finishAdmission } from './admission.ts';
import type { SigningKeys } from './signing-keys.ts';
import { giveTurns } from './turn-giver.ts';

const GRACE_SECONDS = 60;
const CLAIM_SECONDS = 20;
const ADMISSION_SECONDS = 30;
const MERGE_SECONDS = 5;
const GATEWAYS = 3;
const FANS = 12;
/** More of them: HISTORIES=500 npm test -- gateway/admission/histories */
const HISTORIES = Number(process.env.HISTORIES ?? 15);

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const tickets = createTicketMint('a-queue-ticket-secret-of-32-characters');

/** A gateway as far as the queue goes. Its heartbeats are merged when the history says so. */
function gateway() {
  const watch = watchQueues(f.store, silentLog);
  const presence = keepPresence(f.store, () => [], silentLog);
  const queue: Queue = {
    store: f.store,
    watch,
    presence,
    tickets,
    load: measurePolls(),
    limit: unlimitedPolls,
    log: silentLog,
  };
  return { queue, presence, stop: watch.stop };
}

/** What the model knows of one entry. */
type Known = {
  ticket: QueueTicket & { queueNumber: number };
  state: 'waiting' | 'ready' | 'admitted' | 'over';
  /** When the fan was last seen by a gateway that has told Redis. */
  seenAt: number;
  position: number | null;
  version: number;
  claimBy: number;
  expiresAt: number;
};

const codeOf = (error: unknown): string => {
  if (error instanceof Problem && error.code !== 'unavailable') return error.code;
  throw error;
};

/** One sale, the gateways before it, and a model of who must be where; every act is checked against the model. */
async function history() {
  const capacity = 3;
  const sale = await f.sale({
    capacity,
    admitPerMinute: 1_000_000,
    graceSeconds: GRACE_SECONDS,
    claimSeconds: CLAIM_SECONDS,
    admissionSeconds: ADMISSION_SECONDS,
  });
  const gateways = Array.from({ length: GATEWAYS }, gateway);
  /** Heartbeats that a gateway has not told Redis yet. */
  const untold = gateways.map(() => new Map<Known, number>());
  const entries: Known[] = [];
  const fans: (Known | undefined)[] = Array.from({ length: FANS }, () => undefined);
  const members = (name: 'waiting') => f.redis.zrange(saleKey(sale, name), '0', '-1');
  const waiting = () =>
    entries
      .filter(({ state }) => state === 'waiting')
      .sort((a, b) => a.ticket.queueNumber - b.ticket.queueNumber);

  /** I4: whoever has a turn now had nobody before them who still waits. */
  const noteTurns = async () => {
    const still = await members('waiting');
    const front = Math.min(
      ...waiting()
        .filter(({ ticket }) => still.includes(ticket.entry))
        .map(({ ticket }) => ticket.queueNumber),
    );
    for (const known of entries) {
      const claimBy = await f.redis.zscore(saleKey(sale, 'ready'), known.ticket.entry);
      if (claimBy === null) continue;
      if (known.state === 'waiting') expect(known.ticket.queueNumber).toBeLessThan(front);
      known.state = 'ready';
      known.claimBy = Number(claimBy);
    }
  };

  const check = async () => {
    expect(await members('waiting')).toEqual(waiting().map(({ ticket }) => ticket.entry));
    const count = await census(f.redis, sale);
    expect(count.joined).toBe(count.lobby + count.waiting + count.ready + count.admitted + count.ended);
    expect(count.joined).toBe(entries.length);
    expect(count.admitted).toBeLessThanOrEqual(capacity);
  };

  /**
   * Read afresh a position is exact. A fan who says what they saw last may be shown what this gateway remembers: never
   * older than that, so never a larger position, and never one that is too good.
   */
  const poll = async (fan: number, at: number, afresh: boolean) => {
    const known = fans[fan];
    const { queue } = gateways[at] as ReturnType<typeof gateway>;
    if (!known) return;
    const status = await readStatus(queue, known.ticket, afresh ? null : known.version);
    expect(status.version).toBeGreaterThanOrEqual(known.version);
    known.version = status.version;
    if (afresh) expect(status.state === 'waiting').toBe(known.state === 'waiting');
    if (status.position === null) return;
    // I5.
    expect(status.position).toBeLessThanOrEqual(known.position ?? Number.POSITIVE_INFINITY);
    known.position = status.position;
    if (known.state !== 'waiting') return;
    const truth = waiting().indexOf(known) + 1;
    expect(status.position).toBeGreaterThanOrEqual(truth);
    if (afresh) {
      expect(status.position).toBe(truth);
      expect(await f.redis.zrank(saleKey(sale, 'waiting'), known.ticket.entry)).toBe(truth - 1);
    }
    untold[at]?.set(known, f.now());
  };

  const tell = async (at: number) => {
    const { presence } = gateways[at] as ReturnType<typeof gateway>;
    await presence.merge(sale);
    for (const [known, seenAt] of untold[at] ?? []) known.seenAt = Math.max(known.seenAt, seenAt);
    untold[at]?.clear();
    // Who lapsed had not been seen for graceSeconds.
    const still = new Set(await members('waiting'));
    for (const known of waiting()) {
      if (still.has(known.ticket.entry)) continue;
      expect(f.now() - known.seenAt).toBeGreaterThanOrEqual(GRACE_SECONDS * 1000);
      known.state = 'over';
    }
  };

  const acts = {
    join: async (fan: number) => {
      const before = fans[fan];
      const known = { ticketEntry: before?.ticket.entry ?? null, keyEntry: `fan-${fan}` };
      const result = await takePlace(f.store, sale, known).catch(codeOf);
      if (typeof result === 'string') return;
      const { created, ahead, entry } = result;
      if (!created) {
        // A second join is the same place: nobody holds two.
        if (before) expect(entry.id).toBe(before.ticket.entry);
        return;
      }
      expect(entry.queueNumber).toBe(entries.length + 1);
      expect(ahead).toBe(waiting().length);
      const made: Known = {
        ticket: { sale, entry: entry.id, queueNumber: entry.queueNumber as number, epoch: 1 },
        state: 'waiting',
        seenAt: f.now(),
        position: ahead + 1,
        version: entry.version,
        claimBy: 0,
        expiresAt: 0,
      };
      entries.push(made);
      fans[fan] = made;
    },
    poll: (fan: number) => poll(fan, fan % GATEWAYS, false),
    pollElsewhere: (fan: number) => poll(fan, (fan + 1) % GATEWAYS, false),
    reload: (fan: number) => poll(fan, (fan + 2) % GATEWAYS, true),
    leave: async (fan: number) => {
      const known = fans[fan];
      if (!known) return;
      await leavePlace(f.store, sale, known.ticket.entry);
      known.state = 'over';
    },
    turns: async () => {
      await Promise.all(gateways.map(() => giveTurns(f.store, sale)));
      await noteTurns();
      for (const known of entries) {
        if (known.state === 'ready' && known.claimBy <= f.now()) known.state = 'over';
        if (known.state === 'admitted' && known.expiresAt <= f.now()) known.state = 'over';
      }
      // Room that is free while somebody waits is given away at once.
      const { ready, admitted } = await census(f.redis, sale);
      if (waiting().length > 0) expect(ready + admitted).toBeGreaterThanOrEqual(capacity);
    },
    claim: async (fan: number) => {
      const known = fans[fan];
      if (!known) return;
      const result = await claimTurn(f.store, keys, sale, known.ticket.entry).catch(codeOf);
      const inTime = known.state === 'ready' && f.now() < known.claimBy;
      if (typeof result !== 'string') {
        if (known.state === 'ready') {
          known.state = 'admitted';
          known.expiresAt = result.expiresAt;
        }
        expect(known.state).toBe('admitted');
      } else if (inTime) {
        expect(result).toBe('shop-full');
      } else if (known.state === 'ready') {
        known.state = 'over';
      }
    },
    order: async (fan: number) => {
      const known = fans[fan];
      if (known?.state !== 'admitted') return;
      await finishAdmission(f.store, sale, known.ticket.entry, 'an-order');
      known.state = 'over';
    },
    pass: async (fan: number) => f.pass(1 + fan),
    tell: (fan: number) => tell(fan % GATEWAYS),
    /** Time goes by while some fans are there and others are not. */
    absence: async (fan: number) => {
      for (let seconds = 0; seconds < GRACE_SECONDS * 2; seconds += MERGE_SECONDS) {
        f.pass(MERGE_SECONDS);
        if (seconds % 15 === 0) for (let present = 0; present < fan; present += 1) await acts.reload(present);
        for (let at = 0; at < GATEWAYS; at += 1) await tell(at);
      }
      for (let present = 0; present < fan; present += 1) {
        const known = fans[present];
        if (known?.state === 'waiting') expect(f.now() - known.seenAt).toBeLessThan(GRACE_SECONDS * 1000);
      }
    },
    /** A gateway is killed, with the heartbeats it had not told, and another takes its place. */
    kill: async (fan: number) => {
      const at = fan % GATEWAYS;
      await gateways[at]?.stop();
      untold[at]?.clear();
      gateways[at] = gateway();
    },
  };

  /** I14: when nobody comes any more, nobody is left over, and nothing blocks. */
  const end = async () => {
    for (let seconds = 0; seconds < GRACE_SECONDS * 3; seconds += MERGE_SECONDS) {
      f.pass(MERGE_SECONDS);
      for (let at = 0; at < GATEWAYS; at += 1) await tell(at);
      await acts.turns();
    }
    const count = await census(f.redis, sale);
    expect(count).toMatchObject({ waiting: 0, ready: 0, admitted: 0, joined: entries.length });
    await Promise.all(gateways.map(({ stop }) => stop()));
  };

  return { acts, check, end };
}

type Acts = Awaited<ReturnType<typeof history>>['acts'];
const often: (keyof Acts)[] = [
  'join',
  'join',
  'poll',
  'pollElsewhere',
  'reload',
  'turns',
  'claim',
  'leave',
  'order',
  'pass',
];
const seldom: (keyof Acts)[] = ['tell', 'absence', 'kill'];
const act = fc.record({
  name: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...often) }, fc.constantFrom(...seldom)),
  fan: fc.nat(FANS - 1),
});

test('whatever fans, gateways and time do, in any order, the queue is the one of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 40, maxLength: 80 }), async (script) => {
      const { acts, check, end } = await history();
      for (const { name, fan } of script) {
        await acts[name](fan);
        await check();
      }
      await end();
    }),
    { numRuns: HISTORIES, endOnFailure: true },
  );
}, 120_000);
