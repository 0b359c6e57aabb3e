import { Problem } from '#shared/problem.ts';
import { claimTurn, finishAdmission } from '../../gateway/admission/admission.ts';
import type { SigningKeys } from '../../gateway/admission/signing-keys.ts';
import { giveTurns } from '../../gateway/admission/turn-giver.ts';
import { measurePolls } from '../../gateway/queue/pace.ts';
import { leavePlace, takePlace } from '../../gateway/queue/place.ts';
import { unlimitedPolls } from '../../gateway/queue/poll-limit.ts';
import { keepPresence } from '../../gateway/queue/presence.ts';
import { readSnapshot } from '../../gateway/queue/snapshot.ts';
import { type Queue, readStatus } from '../../gateway/queue/status.ts';
import { createTicketMint, type QueueTicket } from '../../gateway/queue/ticket.ts';
import { positionOf } from '../../gateway/queue/waiting-bits.ts';
import { watchQueues } from '../../gateway/queue/watch.ts';
import { saleKey } from '../../gateway/redis/keys.ts';
import type { Store } from '../../gateway/redis/script.ts';
import { census, entryOf, type QueueFixture, silentLog } from '../../gateway/testing/queue-fixture.ts';
import { createRandom, type Random } from '../testing/random.ts';
import { createScheduler, type Process } from './scheduler.ts';
import type { Verdict } from './shop.ts';

const CAPACITY = 2;
const GRACE_SECONDS = 60;
const CLAIM_SECONDS = 20;
const ADMISSION_SECONDS = 30;
const FANS = 7;
const FAN_ACTS = 14;
const GATEWAYS = 2;
const GATEWAY_ACTS = 20;
const CLOCK_ACTS = 25;
const PASS_SECONDS_MAX = 12;
const DIES = 0.03;
const LIVES = 6;
/** After which nobody is left who does not come any more. */
const QUIET_SECONDS = 4 * GRACE_SECONDS;
const MERGE_SECONDS = 5;

/** Signing takes no step: it asks nobody. */
const keys = {
  signingKid: 'k',
  sign: async (kid: string, claims: unknown) => `${kid} ${JSON.stringify(claims)}`,
} as unknown as SigningKeys;
const tickets = createTicketMint('a-queue-ticket-secret-of-32-characters');

type Gateway = { process: Process; queue: Queue };
type Asked = { ticketEntry: string | null; keyEntry: string };
type Joined = Awaited<ReturnType<typeof takePlace>> | Problem | 'died';
type Place = QueueTicket & { queueNumber: number };

/**
 * A history of one queue: fans who join, look, claim, buy, leave and stay away, at gateways that die at any script; turns,
 * heartbeats, and time that goes by. After each step the queue is compared with what it promises. Resolves to what is wrong.
 */
export async function simulateQueue(f: QueueFixture, seed: string): Promise<Verdict> {
  const random = createRandom(`queue ${seed}`);
  const scheduler = createScheduler(random.fork('scheduler'));
  const sale = await f.sale({
    ...{ capacity: CAPACITY, admitPerMinute: 1_000_000, graceSeconds: GRACE_SECONDS },
    ...{ claimSeconds: CLAIM_SECONDS, admissionSeconds: ADMISSION_SECONDS },
  });
  const faults: string[] = [];
  const fault = (text: string) => faults.push(text);
  /** All that each fan has ever been given. */
  const entriesOf = new Map<string, Set<string>>();

  /** One after another at each place; the last of them does not die. */
  const makeGateway = async (place: number, life: number) => {
    const process = scheduler.process(`gateway ${place}.${life}`, life < LIVES ? DIES : 0);
    let isStepping = false;
    const store = stepping(f.store, process, () => isStepping);
    const watch = watchQueues(store, silentLog);
    const presence = keepPresence(store, () => [], silentLog);
    // It looks, and merges, when the history says so.
    await Promise.all([watch.stop(), presence.stop()]);
    isStepping = true;
    const queue: Queue = {
      ...{ store, watch, presence, tickets, log: silentLog },
      ...{ load: measurePolls(), limit: unlimitedPolls },
    };
    return { process, queue };
  };
  const places = await Promise.all(
    Array.from({ length: GATEWAYS }, (_, place) =>
      Promise.all(Array.from({ length: LIVES }, (_, life) => makeGateway(place + 1, life + 1))),
    ),
  );
  const ask = async <Answer>(
    own: Random,
    work: (queue: Queue) => Promise<Answer>,
  ): Promise<Answer | Problem | 'died'> => {
    const { process, queue } = own.pick(places).find((life) => !life.process.isDead()) as Gateway;
    const answer = work(queue).catch((error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    });
    return Promise.race([answer, process.died]);
  };

  const fan = (name: string) => async () => {
    const own = random.fork(name);
    const entries = new Set<string>();
    entriesOf.set(name, entries);
    let place = null as Place | null;
    let seen = { version: 0, position: Number.POSITIVE_INFINITY };
    let token = null as string | null;
    let visits = 0;
    for (let acts = 0; acts < FAN_ACTS; acts += 1) {
      const act = own.weighted({ join: 3, look: 5, afresh: 2, claim: 4, buy: 1, leave: 1 });
      if (act === 'join') {
        const ticketEntry: string | null = place?.entry ?? null;
        const asked: Asked = {
          ticketEntry,
          keyEntry: entryOf(`${name} ${sale} ${visits}`),
        };
        const joined: Joined = await ask(own, ({ store }) => takePlace(store, sale, asked));
        if (joined === 'died' || joined instanceof Problem) continue;
        const { id, queueNumber } = joined.entry;
        entries.add(id);
        // Also one whose making was never heard of.
        if (id !== ticketEntry) [seen, token] = [{ version: 0, position: Number.POSITIVE_INFINITY }, null];
        if (joined.created) visits += 1;
        place = { sale, entry: id, queueNumber: queueNumber as number, epoch: 1 };
        continue;
      }
      if (place === null) continue;
      const mine = place;
      if (act === 'look' || act === 'afresh') {
        const status = await ask(own, (queue) =>
          readStatus(queue, mine, act === 'look' ? seen.version : null),
        );
        if (status === 'died' || status instanceof Problem) continue;
        if (status.position !== null && status.position > seen.position)
          fault(`${name} stood at ${seen.position}, and stands at ${status.position}`);
        seen = {
          version: Math.max(seen.version, status.version),
          position: Math.min(seen.position, status.position ?? Number.POSITIVE_INFINITY),
        };
      } else if (act === 'claim') {
        const claimed = await ask(own, ({ store }) => claimTurn(store, keys, sale, mine.entry));
        if (claimed === 'died' || claimed instanceof Problem) continue;
        if (token !== null && claimed.token !== token) fault(`${name} was given a second token for one turn`);
        token = claimed.token;
      } else if (act === 'buy' && token !== null) {
        await ask(own, ({ store }) => finishAdmission(store, sale, mine.entry, 'an-order'));
      } else if (act === 'leave') {
        await ask(own, ({ store }) => leavePlace(store, sale, mine.entry));
      }
    }
  };

  const turns = (name: string) => async () => {
    const own = random.fork(name);
    for (let acts = 0; acts < GATEWAY_ACTS; acts += 1) {
      if (own.chance(0.6)) await ask(own, ({ store }) => giveTurns(store, sale));
      else await ask(own, ({ presence }) => presence.merge(sale));
    }
  };
  const time = async () => {
    const process = scheduler.process('time');
    const own = random.fork('time');
    for (let i = 0; i < CLOCK_ACTS; i += 1) {
      const seconds = own.between(0, PASS_SECONDS_MAX);
      await process.step(`${seconds} s`, async () => f.pass(seconds));
    }
  };

  let before = new Map<string, number>();

  const look = async (): Promise<void> => {
    const state = await stateOf(f, sale);
    for (const text of broken(before, state)) fault(text);
    for (const [name, entries] of entriesOf) {
      const live = [...entries].filter((entry) => state.live.has(entry));
      if (live.length > 1) fault(`${name} stands in line ${live.length} times`);
    }
    before = state.waiting;
  };

  for (let i = 1; i <= FANS; i += 1) scheduler.begin(fan(`fan ${i}`));
  for (let i = 1; i <= GATEWAYS; i += 1) scheduler.begin(turns(`giver ${i}`));
  scheduler.begin(time);
  const steps = await scheduler.run(async () => {
    await look();
    return faults.length === 0;
  });
  if (faults.length > 0) return { faults, steps };

  // I14: where nobody comes any more nobody is left over, and nothing blocks.
  const last = keepPresence(f.store, () => [], silentLog);
  for (let seconds = 0; seconds < QUIET_SECONDS; seconds += MERGE_SECONDS) {
    f.pass(MERGE_SECONDS);
    await last.merge(sale);
    await giveTurns(f.store, sale);
  }
  await last.stop();
  const { waiting, ready, admitted } = await census(f.redis, sale);
  if (waiting + ready + admitted > 0)
    fault(`${waiting} wait, ${ready} are ready, ${admitted} admitted, for ever`);
  return { faults, steps };
}

/** The store as one process sees it: each script is a step, from when on it is asked for. */
function stepping({ redis, time }: Store, { step }: Process, isStepping: () => boolean): Store {
  const stepped = new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'call' && name !== 'callBuffer') return value.bind(target);
      const run = (args: unknown[]) => value.apply(target, args) as Promise<unknown>;
      return (...args: unknown[]) => (isStepping() ? step('a script', () => run(args)) : run(args));
    },
  });
  return { redis: stepped, time };
}

type State = {
  /** Entries and their numbers. */
  waiting: Map<string, number>;
  ready: Set<string>;
  /** All who have a place or a room. */
  live: Set<string>;
  count: Awaited<ReturnType<typeof census>>;
  overbooked: number;
  /** The position by the bits of each who waits. */
  positions: (number | null)[];
};

async function stateOf(f: QueueFixture, sale: string): Promise<State> {
  const key = (name: Parameters<typeof saleKey>[1]) => saleKey(sale, name);
  const [scores, ready, blocked, admitted, count, overbooked, snapshot] = await Promise.all([
    f.redis.zrange(key('waiting'), '0', '-1', 'WITHSCORES'),
    f.redis.zrange(key('ready'), '0', '-1'),
    f.redis.zrange(key('blocked'), '0', '-1'),
    f.redis.zrange(key('admitted'), '0', '-1'),
    census(f.redis, sale),
    f.redis.hget(key('queue'), 'overbooked'),
    readSnapshot(f.store, sale, null),
  ]);
  const waiting = new Map<string, number>();
  for (let i = 0; i < scores.length; i += 2) waiting.set(scores[i] as string, Number(scores[i + 1]));
  const bits = snapshot?.bits;
  const positions = [...waiting.values()].map((number) => (bits ? positionOf(bits, number) : null));
  const live = new Set([...waiting.keys(), ...ready, ...blocked, ...admitted]);
  return { waiting, ready: new Set(ready), live, count, overbooked: Number(overbooked ?? 0), positions };
}

/** What a queue promises of any moment, as far as this state breaks it. */
function broken(before: Map<string, number>, state: State): string[] {
  const { waiting, ready, count, overbooked, positions } = state;
  const said: string[] = [];
  const sum = count.lobby + count.waiting + count.ready + count.admitted + count.ended;
  if (count.joined !== sum) said.push(`I13: ${count.joined} have joined, and ${sum} are somewhere`);
  if (count.admitted > CAPACITY) said.push(`I3: ${count.admitted} are admitted to a shop for ${CAPACITY}`);
  if (count.ready + count.admitted > CAPACITY + overbooked)
    said.push(`I3: ${count.ready} are ready beside ${count.admitted}, ${overbooked} more than there is room`);
  const first = Math.min(...waiting.values());
  for (const [entry, number] of before)
    if (ready.has(entry) && number > first)
      said.push(`I4: number ${number} was called before number ${first}`);
  positions.forEach((position, rank) => {
    if (position !== rank + 1) said.push(`the place at rank ${rank} is shown position ${position}`);
  });
  return said;
}
