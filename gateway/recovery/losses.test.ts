import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { leavePlace } from '../queue/place.ts';
import { unlimitedPolls } from '../queue/poll-limit.ts';
import { putSale } from '../sale/live-sale.ts';
import { claimAndBuy } from '../testing/buy.ts';
import { type Act, playHistories } from '../testing/histories.ts';
import { faultsOf, goBack, holdersOf, loseEverything, saveQueue } from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

const FANS = 12;
const GATEWAYS = 2;
const CAPACITY = 2;
/** Every fan has a use of one of them: who joins is never refused, and nobody has a use to spare. */
const CODES = ['one', 'two', 'three'];
/** Longer than any recovery. */
const RECOVERY_SECONDS = 75;
const ROUNDS_MAX = 200;
/** More of them: HISTORIES=500 npm test -- gateway/recovery/losses */
const HISTORIES = Number(process.env.HISTORIES ?? 10);

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const codeOf = (fan: number): string => CODES[fan % CODES.length] as string;

/** What the model knows of one fan: how it ended, if it did, and the best position that was shown. */
type Known = TestFan & { over: 'left' | 'finished' | null; best: number };

async function history() {
  // Nobody lapses in it: graceSeconds is a day.
  const definition: SaleDefinition = {
    ...definitionAt(f.now()),
    capacity: CAPACITY,
    admitPerMinute: 1_000_000,
    graceSeconds: 86_400,
    accessCodeUses: FANS / CODES.length,
  };
  const { sale } = definition;
  await putSale(f.store, definition, CODES);
  const gateways: QueueGateway[] = [];
  for (let i = 0; i < GATEWAYS; i += 1) {
    const gateway = await queueGateway(f.store);
    gateway.queue.limit = unlimitedPolls;
    gateways.push(gateway);
    await gateway.queue.watch.renew(sale);
  }
  const at = (index: number) => gateways[index % GATEWAYS] as QueueGateway;
  const fans = new Map<number, Known>();
  const numbers = new Map<number, number>();
  let saved = await saveQueue(f, sale);

  const poll = async (index: number, known: Known) => {
    // What was done to it behind the gateway's back is known there within a moment.
    if (known.over) await at(index).queue.watch.renew(sale);
    const status = await at(index).poll(known);
    // A number is one fan's for good, through every loss.
    expect(status.queueNumber).toBe(
      numbers.get(known.ticket.queueNumber!) === undefined ? null : status.queueNumber,
    );
    if (known.over) expect(status.state).toBe(known.over);
    else expect(['waiting', 'ready', 'admitted', 'missed', 'expired']).toContain(status.state);
    if (status.position === null) return status;
    expect(status.position).toBeLessThanOrEqual(known.best);
    known.best = status.position;
    return status;
  };

  /** Each use is occupied by whom it belongs to, and given back by whoever has left, as if nothing had been lost. */
  const checkCodes = async () => {
    for (const code of CODES) {
      const holders = await holdersOf(f, sale, code);
      expect(holders.length).toBeLessThanOrEqual(FANS / CODES.length);
      for (const [fan, { ticket, over, seen }] of fans) {
        if (codeOf(fan) !== code) continue;
        const isLive = ['waiting', 'ready', 'admitted'].includes(seen.state) && over === null;
        const who = new Set([ticket.entry, `~${ticket.queueNumber}`]);
        const uses = holders.filter((holder) => who.has(holder)).length;
        if (isLive || over === 'finished') expect(uses).toBe(1);
        if (over === 'left') expect(uses).toBe(0);
      }
    }
  };

  return {
    async join(fan: number, gateway: number) {
      if (fans.has(fan)) return;
      const joined = await at(gateway).join(sale, `fan-${fan}`, codeOf(fan));
      const number = joined.ticket.queueNumber as number;
      // I4: never given twice.
      expect(numbers.has(number)).toBe(false);
      numbers.set(number, fan);
      fans.set(fan, { ...joined, over: null, best: Number.POSITIVE_INFINITY });
    },
    async leave(fan: number) {
      const known = fans.get(fan);
      if (!known || known.over) return;
      const state = await leavePlace(f.store, sale, known.ticket.entry);
      if (state === 'left' || state === 'finished') known.over = state;
    },
    async poll(fan: number, gateway: number) {
      const known = fans.get(fan);
      if (known) await poll(gateway, known);
    },
    turns: () => giveTurns(f.store, sale),
    async buy(fan: number, finishes: boolean) {
      const known = fans.get(fan);
      if (!known || known.over) return;
      const buying = { entry: known.ticket.entry, order: finishes ? `order-${fan}` : null };
      const admission = await claimAndBuy(f.store, keys, sale, buying);
      if (admission !== null && finishes) known.over = 'finished';
    },
    pass: async (seconds: number) => f.pass(seconds),
    async save() {
      saved = await saveQueue(f, sale);
    },
    /** Redis loses everything, or goes back to where it was saved; all who are in `absent` do not show up in time. */
    async lose(everything: boolean, remembering: number, absent: number[]) {
      // One gateway at least has seen the last moment; what the others have seen may be older.
      await at(remembering).look(sale);
      // Restarted: whoever gives turns or numbers notices, and waits.
      if (!everything) await goBack(f, sale, saved);
      else await loseEverything(f, definition, CODES);
      expect(await giveTurns(f.store, sale)).toBe(0);
      for (const gateway of gateways) await gateway.look(sale);
      for (const gateway of gateways) await gateway.look(sale);
      for (const [fan, known] of fans) {
        if (absent.includes(fan)) continue;
        const { position } = await poll(fan, known);
        // Where nothing had happened since, nothing is lost.
        if (gateways[0]?.queue.watch.remembered(sale)?.recovering) expect(position).toBeNull();
      }
      await checkCodes();
      expect(await giveTurns(f.store, sale)).toBe(0);
      f.pass(RECOVERY_SECONDS);
      for (const gateway of gateways) await gateway.look(sale);
      await giveTurns(f.store, sale);
      // What was saved is of an earlier epoch now.
      saved = await saveQueue(f, sale);
      expect(await faultsOf(f, sale)).toEqual([]);
    },
    /** Everybody comes back, and everybody gets in: nobody has lost a place. */
    async end() {
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        await giveTurns(f.store, sale);
        const inside = [...fans].filter(([, { over }]) => over === null);
        if (inside.length === 0) break;
        for (const gateway of gateways) await gateway.look(sale);
        for (const [fan, known] of inside) {
          const { state } = await poll(fan, known);
          if (state === 'ready' || state === 'admitted') await this.buy(fan, true);
          // It had its turn, and did not use it twice.
          if (state === 'expired' || (state === 'missed' && !known.seen.returning)) known.over = 'left';
          if (known.over === 'left') fans.delete(fan);
        }
        f.pass(5);
      }
      expect([...fans.values()].filter(({ over }) => over === null)).toEqual([]);
      expect(await faultsOf(f, sale)).toEqual([]);
    },
    async stop() {
      for (const gateway of gateways) await gateway.stop();
    },
  };
}

type History = Awaited<ReturnType<typeof history>>;

const fan = fc.nat(FANS - 1);
const gateway = fc.nat(GATEWAYS - 1);
const act: fc.Arbitrary<Act<History>> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fan, gateway).map(([a, b]): Act<History> => [`join ${a} ${b}`, (h) => h.join(a, b)]),
  },
  { weight: 1, arbitrary: fan.map((a): Act<History> => [`leave ${a}`, (h) => h.leave(a)]) },
  {
    weight: 3,
    arbitrary: fc.tuple(fan, gateway).map(([a, b]): Act<History> => [`poll ${a} ${b}`, (h) => h.poll(a, b)]),
  },
  { weight: 2, arbitrary: fc.constant<Act<History>>(['turns', (h) => h.turns()]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fan, fc.boolean())
      .map(([a, b]): Act<History> => [`buy ${a} ${b}`, (h) => h.buy(a, b)]),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 100 }).map((a): Act<History> => [`pass ${a}`, (h) => h.pass(a)]),
  },
  { weight: 1, arbitrary: fc.constant<Act<History>>(['save', (h) => h.save()]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.boolean(), gateway, fc.uniqueArray(fan, { maxLength: 4 }))
      .map(([a, b, c]): Act<History> => [`lose ${a} ${b} [${c}]`, (h) => h.lose(a, b, c)]),
  },
);

test(
  'whatever happened before Redis lost everything, or its last moments: places, order, numbers and rooms hold',
  async () => {
    const begin = async () => {
      const played = await history();
      const end = async () => {
        await played.lose(true, 0, []);
        await played.end();
      };
      return { history: played, end, stop: played.stop };
    };
    await playHistories<History>(
      begin,
      fc.array(act, { minLength: 10, maxLength: 40 }),
      HISTORIES,
      process.env,
    );
  },
  120_000 + HISTORIES * 1_000,
);
