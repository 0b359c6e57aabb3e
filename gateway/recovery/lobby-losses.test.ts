import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import { Problem } from '#shared/problem.ts';
import { newSecrets } from '../../infra/local/secrets.mjs';
import { checkAdmission } from '../admission/admission.ts';
import { loadSigningKeys, type SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { leavePlace } from '../queue/place.ts';
import { unlimitedPolls } from '../queue/poll-limit.ts';
import { saleKey } from '../redis/keys.ts';
import { changeSale, markSaved, putSale, unsavedChanges } from '../sale/live-sale.ts';
import { claimAndBuy } from '../testing/buy.ts';
import { type DyingDrawing, dyingDrawing } from '../testing/dying-drawing.ts';
import { type Act, playHistories } from '../testing/histories.ts';
import { type Known, lobbyModel } from '../testing/lobby-model.ts';
import { goBack, saveQueue } from '../testing/losing-redis.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway } from '../testing/queue-gateway.ts';

const FANS = 12;
const GATEWAYS = 3;
const CAPACITY = 2;
/** So many numbers of a draw are written at once: a loss finds draws that are half written. */
const limits = { placedAtOnce: 2, readBesideMax: FANS };
const LOBBY_SECONDS = 100;
const BEACON_SECONDS = 60;
/** Half of the longest recovery, and a little: whoever is there has asked once in it. */
const HALF_RECOVERY_SECONDS = 40;
/** Whoever gives numbers has met a Redis that has started anew. */
const SETTLED_SECONDS = 3;
const ROUNDS_MAX = 60;
/** In so many looks everything is back that any gateway knows. */
const LOOKS_AFTER_RECOVERY_MAX = 12;
/**
 * Of each kind, the same ones each time, so that a run says something of what was changed; more of them, and others:
 * SEED=$RANDOM HISTORIES=500 npm test -- gateway/recovery/lobby-losses
 */
const HISTORIES = Number(process.env.HISTORIES ?? 10);
const SAME_SEED = '4711';

let f: QueueFixture;
let keys: SigningKeys;
let drawings: DyingDrawing[];
beforeAll(async () => {
  f = await queueFixture();
  keys = await loadSigningKeys(newSecrets().SIGNING_KEYS);
  drawings = Array.from({ length: GATEWAYS }, () => dyingDrawing(f, limits));
});
afterAll(async () => {
  for (const { drawing } of drawings) await drawing.stop();
  await f.close();
});

/** What a fan can be after a loss of which all is remembered, by what the fan was before. */
const goesOn: Record<string, string[]> = {
  waiting: ['waiting', 'ready'],
  ready: ['ready', 'missed'],
  admitted: ['admitted', 'expired'],
  missed: ['missed', 'ready'],
  expired: ['expired'],
  finished: ['finished'],
  left: ['left'],
};

/** Who knows the last moment when Redis is lost: all gateways, one, only files, nobody, or nobody knows anything at all. */
const rememberings = ['all', 'one', 'files', 'earlier', 'nothing'] as const;
type Loss = {
  everything: boolean;
  remembering: (typeof rememberings)[number];
  gateway: number;
  /** Do not show up in time. */
  absent: number[];
  /** Show up before any gateway has noticed. */
  early: number[];
  /** It is lost once more while places are being brought back. */
  twice: boolean;
  /** The first gateway dies while it writes the draw again, and starts anew. */
  dies: boolean;
};

/** `isCrowded`: while its draw is under way only the gateway that writes it knows who is in the lobby. */
type Lobby = { hasBeacon: boolean; isCrowded: boolean };

async function begin({ hasBeacon, isCrowded }: Lobby) {
  limits.readBesideMax = isCrowded ? 0 : FANS;
  await f.empty();
  const opensAt = f.now() + LOBBY_SECONDS * 1000;
  const time = (ms: number) => new Date(ms).toISOString();
  // Nobody lapses in it: graceSeconds is a day.
  let durable: SaleDefinition = {
    ...definitionAt(f.now()),
    createdAt: time(f.now() - 86_400_000),
    opensAt: time(opensAt),
    lobbyOpensAt: time(f.now() - 60_000),
    capacity: CAPACITY,
    admitPerMinute: 1_000_000,
    graceSeconds: 86_400,
    beacon: hasBeacon
      ? { name: 'b', rule: 'r', from: time(opensAt + BEACON_SECONDS * 1000), url: null, field: null }
      : null,
  };
  const { sale } = durable;
  await putSale(f.store, { ...durable, createdAt: time(f.now()) });
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
  const gateways: (QueueGateway | null)[] = [];
  const model = await lobbyModel(f, sale);
  const { fans, own } = model;
  let saved = await saveQueue(f, sale);
  const start = async (index: number) => {
    const { drawing } = drawings[index] as DyingDrawing;
    await drawing.forget(sale);
    const gateway = await queueGateway(f.store, folder, `gateway-${index}`, {
      ...drawing,
      stop: async () => undefined,
    });
    // Only what the history says is done.
    await gateway.queue.watch.stop();
    gateway.queue.limit = unlimitedPolls;
    gateways[index] = gateway;
    await gateway.queue.watch.renew(sale);
    return gateway;
  };
  const end = async (index: number) => {
    const gateway = gateways[index];
    gateways[index] = null;
    await gateway?.stop();
  };
  const die = async (index: number) => {
    const gateway = gateways[index];
    if (!gateway) return;
    await (drawings[index] as DyingDrawing).dieAfter(sale, 1, () => gateway.look(sale));
    await end(index);
    await start(index);
  };
  const up = () => gateways.filter((gateway) => gateway !== null);
  const at = (index: number): QueueGateway => (gateways[index] ?? up()[0]) as QueueGateway;
  for (let index = 0; index < GATEWAYS; index += 1) await start(index);

  const drawState = () => f.redis.hget(saleKey(sale, 'draw'), 'state');
  const isRecovering = () => up().some(({ queue }) => queue.watch.remembered(sale)?.recovering);
  const poll = (index: number, fan: number, isEarly = false) => model.poll(at(index), fan, isEarly);

  /** What a gateway does several times a second about a lobby, after a look at it. */
  const goOn = async (index: number) => {
    const gateway = at(index);
    await gateway.look(sale);
    if ((await drawState()) === 'committed') await freezeLobby(f.store, sale);
    const { drawing } = drawings[index] as DyingDrawing;
    if (await drawing.takesUp(sale)) await drawing.write(sale);
    await gateway.look(sale);
  };

  /** What waits to become durable does. */
  const recordChanges = async () => {
    const live = JSON.parse(
      String(await f.redis.hget(saleKey(sale, 'sale'), 'definition')),
    ) as SaleDefinition;
    durable = { ...live, createdAt: durable.createdAt };
    await markSaved(f.store, sale, await unsavedChanges(f.store, sale));
  };

  const history = {
    async join(fan: number, index: number) {
      const known = fans.get(fan);
      if (known) {
        const status = await poll(index, fan);
        if (!status || !['lobby', 'waiting', 'ready', 'admitted'].includes(status.state)) return;
      }
      // A Redis that has just started gives no number for a moment.
      const joining = () => at(index).join(sale, `fan-${fan}`);
      const joined = await joining().catch(async (error: Problem) => {
        expect(error.code).toBe('unavailable');
        await at(index).queue.watch.renew(sale);
        if (isRecovering()) return null;
        f.pass(SETTLED_SECONDS);
        return joining();
      });
      if (!joined) return;
      if (known) {
        expect(joined.ticket.entry).toBe(known.ticket.entry);
        // The key alone tells no number that is written once more: the ticket of before does.
        if (joined.ticket.queueNumber === null && (await model.isWrittenAgain(known))) return;
        known.ticket = joined.ticket;
      } else
        fans.set(fan, {
          ...joined,
          over: null,
          told: null,
          best: joined.seen.position ?? Number.POSITIVE_INFINITY,
          isDoubtful: false,
          hasReturned: false,
          admission: null,
        });
      own(fan, fans.get(fan) as Known);
    },
    async leave(fan: number) {
      const known = fans.get(fan);
      if (!known || known.over) return;
      const state = await leavePlace(f.store, sale, known.ticket.entry);
      if (state === 'left' || state === 'finished') known.over = state;
    },
    async poll(fan: number, index: number) {
      if (fans.has(fan)) await poll(index, fan);
    },
    async pollAll(index: number) {
      for (const fan of fans.keys()) await poll(index, fan);
    },
    look: async (index: number) => at(index).look(sale),
    /** I4: in the order of queue numbers, stand-ins aside, and nobody before a lobby whose order is not written down. */
    async turns() {
      const before = await model.waiting();
      const given = await giveTurns(f.store, sale);
      const after = await model.waiting();
      const gone = [...before]
        .filter(([id]) => !id.startsWith('~') && !after.has(id))
        .map(([, number]) => number);
      const left = [...after].filter(([id]) => !id.startsWith('~')).map(([, number]) => number);
      expect(Math.max(0, ...gone)).toBeLessThan(Math.min(Number.POSITIVE_INFINITY, ...left));
      const [state, placed] = await f.redis.hmget(saleKey(sale, 'draw'), 'state', 'placed');
      if (state === 'committed') expect(given).toBe(0);
      if (state === 'frozen' || state === 'awaitingBeacon' || state === 'drawing')
        expect(Math.max(0, ...gone)).toBeLessThanOrEqual(Number(placed));
      return given;
    },
    async buy(fan: number, finishes: boolean) {
      const known = fans.get(fan);
      if (!known || known.over) return;
      const buying = { entry: known.ticket.entry, order: finishes ? `order-${fan}` : null };
      const admission = await claimAndBuy(f.store, keys, sale, buying);
      if (admission === null) return;
      known.admission = admission;
      if (finishes) known.over = 'finished';
    },
    pass: async (seconds: number) => f.pass(seconds),
    async open() {
      if (f.now() < opensAt) f.pass((opensAt - f.now()) / 1000);
    },
    async freeze() {
      await freezeLobby(f.store, sale);
    },
    async draw(index: number, numbersMore: number) {
      const { dieAfter, drawing } = drawings[index] as DyingDrawing;
      if (numbersMore === 0) await drawing.frozenLobby(sale);
      else await dieAfter(sale, numbersMore, () => drawing.write(sale));
    },
    /** A beacon's value, or that there is none, is told; `isDurable`: PostgreSQL knows it too. */
    async beacon(isUsed: boolean, isDurable: boolean) {
      const [version, packed] = await f.redis.hmget(saleKey(sale, 'sale'), 'version', 'definition');
      const before = JSON.parse(String(packed)) as SaleDefinition;
      const now = time(f.now());
      const beaconGiven = isUsed ? { value: '17', at: now } : { without: 'it did not come', at: now };
      const given = { ...before, version: Number(version) + 1, beaconGiven } as SaleDefinition;
      const record = {
        version: given.version,
        at: now,
        by: 'o',
        action: 'giveBeacon',
        reason: null,
        settings: SaleSettings.parse(given),
        before: SaleSettings.parse(before),
      } as const;
      try {
        await changeSale(f.store, given, record, { reopens: false });
        if (isDurable) await recordChanges();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
      }
    },
    record: recordChanges,
    /** A gateway ends, or starts again with what its folder says. */
    async restart(index: number) {
      if (!gateways[index]) await start(index);
      else if (up().length > 1) await end(index);
    },
    async save() {
      saved = await saveQueue(f, sale);
    },
    async lose({ everything, remembering, gateway: index, absent, early, twice, dies }: Loss) {
      const isFull = remembering === 'all' || remembering === 'one' || remembering === 'files';
      if (remembering === 'all') for (const gateway of up()) await gateway.look(sale);
      if (remembering === 'one' || remembering === 'files') await at(index).look(sale);
      const state = await drawState();
      if (remembering === 'files' || remembering === 'nothing')
        for (let i = 0; i < GATEWAYS; i += 1) await end(i);
      if (remembering === 'nothing') {
        await rm(folder, { recursive: true });
        await mkdir(folder);
      }
      const isUnknown = isCrowded && (state === 'frozen' || state === 'drawing');
      const isLost = !isFull || isUnknown;
      const before = await model.statesOf([...fans.values()]);
      const had = new Map([...fans.keys()].map((fan, i) => [fan, before[i] ?? null]));
      const take = async () => {
        if (everything) await f.empty();
        else await goBack(f, sale, saved);
        await putSale(f.store, durable, [], { wasLive: true });
      };
      await take();
      model.isPartial ||= isLost;
      const inLobby = async (known: Known) =>
        (await f.redis.zscore(saleKey(sale, 'lobby'), known.ticket.entry)) !== null;
      for (const [fan, known] of fans) {
        if (isLost) known.best = Number.POSITIVE_INFINITY;
        const isGone = absent.includes(fan) || known.over !== null;
        if (!isGone) continue;
        // Of a lobby that was not frozen nobody remembers who was in it, and of none who has left it.
        const isOfLobby = known.told === null && (known.over !== null || state === 'committed');
        if (isLost || (isOfLobby && !(known.over === null && (await inLobby(known)))))
          known.isDoubtful = true;
        if (known.isDoubtful) had.delete(fan);
      }
      if (remembering === 'files' || remembering === 'nothing')
        for (let i = 0; i < GATEWAYS; i += 1) await start(i);
      expect(await giveTurns(f.store, sale)).toBe(0);
      const there = [...fans.keys()].filter((fan) => !absent.includes(fan));
      const showUp = async (fan: number, isEarly = false) => {
        const known = fans.get(fan);
        if (!known) return;
        const status = await poll(fan, fan, isEarly);
        if (status && isRecovering()) expect(status.position).toBeNull();
        const { admission } = known;
        if (!admission || known.over !== null || known.isDoubtful || f.now() >= admission.expiresAt) return;
        const claims = JSON.parse(
          Buffer.from(admission.token.split('.')[1] as string, 'base64url').toString(),
        );
        const { state } = await checkAdmission(
          f.store,
          { ...claims, sale, sub: known.ticket.entry },
          { startsPayment: false },
        );
        expect(isRecovering() ? ['live', 'early'] : ['live'], `the admission of fan ${fan}`).toContain(state);
      };
      for (const fan of there) if (early.includes(fan)) await showUp(fan, true);
      if (dies) await die(0);
      for (let look = 0; look < 2; look += 1) {
        for (const gateway of up()) {
          await gateway.look(sale);
          // A draw may be known again, and who was in its lobby not yet.
          for (const fan of there) if (early.includes(fan)) await showUp(fan, true);
        }
      }
      for (const fan of there) await showUp(fan);
      if (twice) {
        await take();
        for (let look = 0; look < 2; look += 1) for (const gateway of up()) await gateway.look(sale);
        for (const fan of there) await showUp(fan);
      }
      expect(await giveTurns(f.store, sale)).toBe(0);
      f.pass(HALF_RECOVERY_SECONDS);
      for (const gateway of up()) await gateway.look(sale);
      for (const fan of there) await showUp(fan);
      f.pass(HALF_RECOVERY_SECONDS);
      for (let look = 0; look < LOOKS_AFTER_RECOVERY_MAX; look += 1) {
        for (const gateway of up()) await gateway.look(sale);
        if ((await drawState()) === 'committed') await freezeLobby(f.store, sale);
        for (const gateway of up()) await gateway.look(sale);
        if (!isRecovering()) break;
        for (const fan of there) await showUp(fan);
        f.pass(2);
      }
      expect(isRecovering(), 'the recovery goes on for ever').toBe(false);
      for (const fan of there) {
        const status = fans.has(fan) ? await poll(fan, fan) : null;
        const known = fans.get(fan);
        // Nobody who was there is further back than before, or has missed anything; a token proves its admission.
        const next = goesOn[had.get(fan) ?? ''];
        if (!isLost && status && next && known && !known.isDoubtful && !known.admission)
          expect(next, `fan ${fan}`).toContain(status.state);
      }
      await history.turns();
      await model.judge();
      // What was saved is of an earlier epoch now.
      saved = await saveQueue(f, sale);
    },
  };

  /** Everybody comes back, and everybody gets in: nobody has lost a place, and nothing is stuck. */
  const finish = async () => {
    await history.open();
    for (let index = 0; index < GATEWAYS; index += 1) if (!gateways[index]) await start(index);
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      for (let index = 0; index < GATEWAYS; index += 1) await goOn(index);
      if ((await drawState()) === 'awaitingBeacon') {
        await history.beacon(true, true);
        await history.beacon(false, true);
        await recordChanges();
      }
      await history.turns();
      const inside = [...fans].filter(([, { over }]) => over === null);
      const isDrawn = ['drawn', 'unproven', null].includes(await drawState());
      if (inside.length === 0 && isDrawn) break;
      for (const [fan, known] of inside) {
        const status = fans.has(fan) ? await poll(fan, fan) : null;
        if (!status) continue;
        const { state } = status;
        if (state === 'ready' || state === 'admitted') await history.buy(fan, true);
        // It had its turn, and did not use it twice.
        if (state === 'expired' || (state === 'missed' && !status.returning)) {
          known.over = 'left';
          fans.delete(fan);
        }
      }
      f.pass(5);
    }
    expect([...fans].filter(([, { over }]) => over === null).map(([fan]) => fan)).toEqual([]);
    expect(model.isPartial ? ['drawn', 'unproven'] : ['drawn']).toContain(await drawState());
    await model.judge();
  };
  const stop = async () => {
    for (let index = 0; index < GATEWAYS; index += 1) await end(index);
    await rm(folder, { recursive: true });
  };
  return { history, end: finish, stop };
}

type History = Awaited<ReturnType<typeof begin>>['history'];

const fan = fc.nat(FANS - 1);
const gateway = fc.nat(GATEWAYS - 1);
const some = fc.uniqueArray(fan, { maxLength: 4 });
const seldom = fc.nat(3).map((n) => n === 3);
const loss = fc.record({
  everything: fc.boolean(),
  remembering: fc.constantFrom(...rememberings),
  gateway,
  absent: some,
  early: some,
  twice: seldom,
  dies: seldom,
});
const act = (weight: number, name: keyof History, ...args: fc.Arbitrary<unknown>[]) => ({
  weight,
  arbitrary: fc.tuple(...args).map((given): Act<History> => {
    const told = [name, ...given.map((value) => JSON.stringify(value))].join(' ');
    return [told, (history) => (history[name] as (...all: unknown[]) => Promise<unknown>)(...given)];
  }),
});
const joins = act(8, 'join', fan, gateway);
const anything = fc.oneof(
  joins,
  act(2, 'leave', fan),
  act(4, 'poll', fan, gateway),
  act(3, 'pollAll', gateway),
  act(2, 'look', gateway),
  act(3, 'turns'),
  act(3, 'buy', fan, fc.boolean()),
  act(2, 'pass', fc.integer({ min: 1, max: 70 })),
  act(2, 'open'),
  act(3, 'freeze'),
  act(5, 'draw', gateway, fc.nat(5)),
  act(2, 'beacon', fc.boolean(), fc.boolean()),
  act(1, 'record'),
  act(1, 'restart', gateway),
  act(2, 'save'),
  act(2, 'lose', loss),
);
// Most of them come to a loss in or after a draw, with several in the lobby.
const frozen: Act<History>[] = [
  ['open', (history) => history.open()],
  ['freeze', (history) => history.freeze()],
];
const halfDrawn: Act<History>[] = [
  ...frozen,
  ['draw 0 1', (history) => history.draw(0, 1)],
  ['pollAll 1', (history) => history.pollAll(1)],
];
const acts = fc
  .tuple(
    fc.array(joins.arbitrary, { maxLength: 14 }),
    fc.constantFrom([], frozen, halfDrawn),
    fc.array(anything, { minLength: 8, maxLength: 40 }),
  )
  .map((parts) => parts.flat());

test.each<Lobby>([
  { hasBeacon: false, isCrowded: false },
  { hasBeacon: true, isCrowded: false },
  { hasBeacon: false, isCrowded: true },
  { hasBeacon: true, isCrowded: true },
])(
  'whatever is lost before, in or after a draw: places, numbers, order and proof hold, and nothing is stuck (%o)',
  async (lobby) => {
    await playHistories(() => begin(lobby), acts, HISTORIES, { SEED: SAME_SEED, ...process.env });
  },
  120_000 + HISTORIES * 2_000,
);
