import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdmissionClaims } from '#shared/admission-token.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { type ExtendedHold, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { checkAdmission, finishAdmission, noteHoldEnds } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { unlimitedPolls } from '../queue/poll-limit.ts';
import { putSale } from '../sale/live-sale.ts';
import { claimAndBuy } from '../testing/buy.ts';
import { type Act, playHistories } from '../testing/histories.ts';
import { faultsOf, goBack, loseEverything, READMIT_SECONDS, saveQueue } from '../testing/losing-redis.ts';
import { census, definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';
import { endTheSilent } from './silent-rooms.ts';

const FANS = 9;
const GATEWAYS = 2;
const CAPACITY = 3;
const ADMISSION_SECONDS = 90;
/** Longer than any recovery, and than an admission. */
const LONG_SECONDS = 100;
/** More of them: HISTORIES=500 npm test -- gateway/recovery/silent-histories */
const HISTORIES = Number(process.env.HISTORIES ?? 10);

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

/** `paysUntil`: until when PostgreSQL has a hold of theirs that a payment has extended; 0 for none. */
type Known = TestFan & { claims: AdmissionClaims | null; isOver: boolean; paysUntil: number };

async function history() {
  const definition: SaleDefinition = {
    ...definitionAt(f.now()),
    ...{ capacity: CAPACITY, admissionSeconds: ADMISSION_SECONDS, admitPerMinute: 1_000_000 },
    graceSeconds: 86_400,
  };
  const { sale } = definition;
  await putSale(f.store, definition);
  const gateways = await Promise.all(Array.from({ length: GATEWAYS }, () => queueGateway(f.store)));
  for (const gateway of gateways) {
    gateway.queue.limit = unlimitedPolls;
    await gateway.queue.watch.renew(sale);
  }
  const [one] = gateways as [(typeof gateways)[0]];
  const fans = new Map<number, Known>();
  let saved = await saveQueue(f, sale);

  const lookAll = async () => {
    for (const gateway of gateways) await gateway.look(sale);
  };
  /** I3, whatever has happened. */
  const check = async () => expect((await census(f.redis, sale)).admitted).toBeLessThanOrEqual(CAPACITY);
  const holds = async (): Promise<ExtendedHold[]> =>
    [...fans.values()]
      .filter(({ paysUntil }) => paysUntil > f.now())
      .map(({ claims, paysUntil }) => ({
        ...{ entry: claims!.sub, queueNumber: claims!.number ?? null, admittedAt: claims!.iat },
        leftMs: paysUntil - f.now(),
      }));

  return {
    check,
    async join(fan: number) {
      if (!fans.has(fan)) {
        const joined = await one.join(sale, `fan-${fan}`).catch(() => null);
        if (joined) fans.set(fan, { ...joined, claims: null, isOver: false, paysUntil: 0 });
      }
    },
    turns: () => giveTurns(f.store, sale),
    async claim(fan: number) {
      const known = fans.get(fan);
      if (!known || known.claims || known.isOver) return;
      const admission = await claimAndBuy(f.store, keys, sale, { entry: known.ticket.entry, order: null });
      if (!admission) return;
      const payload = admission.token.split('.')[1] as string;
      known.claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as AdmissionClaims;
    },
    /** A tab is opened once more, and pays with seats it holds, or would like to. */
    async come(fan: number, startsPayment: boolean, hasHold: boolean, isTold: boolean) {
      const known = fans.get(fan);
      if (!known?.claims) return;
      const { claims } = known;
      const { state } = await checkAdmission(f.store, claims, { startsPayment });
      const isInTime = f.now() < claims.ends * 1_000;
      const isPaying = known.paysUntil > f.now();
      if (known.isOver) expect(state).toBe('finished');
      // Nobody is ended early, and no payment under way is thrown out.
      else if (isInTime || (startsPayment && isPaying)) expect(state).toBe('live');
      else expect(['live', 'ended']).toContain(state);
      if (state !== 'live' || !startsPayment) return;
      if (hasHold && !isPaying && isInTime) known.paysUntil = f.now() + PAYMENT_EXTENSION_SECONDS * 1_000;
      if (isTold)
        await noteHoldEnds(f.store, { sale, sub: claims.sub, jti: claims.jti }, Math.round(known.paysUntil));
    },
    async pay(fan: number) {
      const known = fans.get(fan);
      if (!known || known.paysUntil <= f.now()) return;
      known.paysUntil = 0;
      known.isOver = true;
      await finishAdmission(f.store, sale, known.claims!.sub, `order-${fan}`, known.claims!);
    },
    async giveUp(fan: number) {
      const known = fans.get(fan);
      if (!known?.claims) return;
      known.paysUntil = 0;
      await noteHoldEnds(f.store, { sale, sub: known.claims.sub, jti: known.claims.jti }, 0);
    },
    ask: () => endTheSilent(f.store, sale, holds),
    pass: async (seconds: number) => f.pass(seconds),
    async save() {
      saved = await saveQueue(f, sale);
    },
    async lose(everything: boolean, shownUp: number[]) {
      await lookAll();
      if (everything) await loseEverything(f, definition);
      else await goBack(f, sale, saved);
      await giveTurns(f.store, sale);
      await lookAll();
      await lookAll();
      for (const [fan, known] of fans) if (!known.claims || shownUp.includes(fan)) await one.poll(known);
      f.pass(READMIT_SECONDS);
      await lookAll();
      saved = await saveQueue(f, sale);
      expect(await faultsOf(f, sale, ['deadlines-act', 'turns-flow'])).toEqual([]);
    },
    /** Everybody has gone and pays nothing any more: in the time of an admission all rooms are those of the next. */
    async end() {
      for (const { claims, paysUntil } of fans.values()) {
        // What the door has been told by Redis counts until it is told otherwise; after a loss nobody is.
        if (claims && paysUntil > 0)
          await noteHoldEnds(f.store, { sale, sub: claims.sub, jti: claims.jti }, 0);
      }
      for (const known of fans.values()) known.paysUntil = 0;
      f.pass(LONG_SECONDS);
      await lookAll();
      await this.ask();
      await giveTurns(f.store, sale);
      const { waiting, ready, admitted } = await census(f.redis, sale);
      expect(admitted).toBe(0);
      if (waiting > 0) expect(ready).toBe(CAPACITY);
      expect(await faultsOf(f, sale)).toEqual([]);
    },
    async stop() {
      for (const gateway of gateways) await gateway.stop();
    },
  };
}

type History = Awaited<ReturnType<typeof history>>;

const fan = fc.nat(FANS - 1);
const acts: Record<string, [weight: number, fc.Arbitrary<Act<History>>]> = {
  join: [6, fan.map((a) => [`join ${a}`, (h) => h.join(a)])],
  turns: [4, fc.constant(['turns', (h) => h.turns()])],
  claim: [6, fan.map((a) => [`claim ${a}`, (h) => h.claim(a)])],
  come: [
    6,
    fc
      .tuple(fan, fc.boolean(), fc.boolean(), fc.boolean())
      .map(([a, b, c, d]) => [`come ${a} ${b} ${c} ${d}`, (h) => h.come(a, b, c, d)]),
  ],
  pay: [1, fan.map((a) => [`pay ${a}`, (h) => h.pay(a)])],
  giveUp: [1, fan.map((a) => [`giveUp ${a}`, (h) => h.giveUp(a)])],
  ask: [3, fc.constant(['ask', (h) => h.ask()])],
  pass: [3, fc.integer({ min: 1, max: 60 }).map((a) => [`pass ${a}`, (h) => h.pass(a)])],
  save: [1, fc.constant(['save', (h) => h.save()])],
  lose: [
    2,
    fc
      .tuple(fc.boolean(), fc.uniqueArray(fan, { maxLength: 4 }))
      .map(([a, b]) => [`lose ${a} [${b}]`, (h) => h.lose(a, b)]),
  ],
};
const act = fc.oneof(...Object.values(acts).map(([weight, arbitrary]) => ({ weight, arbitrary })));

test(
  'whoever goes, comes back and pays through any losses: the shop is never overfull, nobody is ended early, and rooms are free in time',
  async () => {
    const begin = async () => {
      const played = await history();
      return { history: played, end: () => played.end(), stop: played.stop };
    };
    const checked = act.map(
      ([name, run]): Act<History> => [
        name,
        async (h) => {
          await run(h);
          await h.check();
        },
      ],
    );
    await playHistories<History>(
      begin,
      fc.array(checked, { minLength: 20, maxLength: 60 }),
      HISTORIES,
      process.env,
    );
  },
  120_000 + HISTORIES * 1_000,
);
