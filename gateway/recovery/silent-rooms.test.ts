import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdmissionClaims } from '#shared/admission-token.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { type ExtendedHold, PAYMENT_EXTENSION_SECONDS } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import { checkAdmission, claimTurn, finishAdmission, noteHoldEnds } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { unlimitedPolls } from '../queue/poll-limit.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  faultsOf,
  goBack,
  joinMany,
  loseEverything,
  RECOVERY_SECONDS,
  saveQueue,
} from '../testing/losing-redis.ts';
import { census, definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';
import { endTheSilent } from './silent-rooms.ts';

const ADMISSION_SECONDS = 120;
const CAPACITY = 4;
/** What a gateway waits between two questions, and Redis between two looks for turns. */
const ASKED_SECONDS = 2;

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

const claim = async (sale: string, fan: TestFan): Promise<AdmissionClaims> => {
  const { token } = await claimTurn(f.store, keys, sale, fan.ticket.entry);
  return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as AdmissionClaims;
};
const come = async (claims: AdmissionClaims, startsPayment = false) =>
  (await checkAdmission(f.store, claims, { startsPayment })).state;
const nobodyPays = async (): Promise<ExtendedHold[]> => [];
const pays = (claims: AdmissionClaims, leftMs: number): ExtendedHold => ({
  ...{ entry: claims.sub, queueNumber: claims.number ?? null, admittedAt: claims.iat, leftMs },
});

type Lost = {
  definition: SaleDefinition;
  sale: string;
  gateway: QueueGateway;
  inside: TestFan[];
  waiting: TestFan[];
  claims: AdmissionClaims[];
  lostAt: number;
  /** So long after the loss. */
  at: (seconds: number) => void;
  lose: () => Promise<void>;
  admitted: () => Promise<number>;
};

/** A shop that is full, and a Redis that has lost it: nobody of those inside is heard of since. */
async function lostShop(
  test: (lost: Lost) => Promise<void>,
  settings: Partial<SaleDefinition> = {},
  waiting = 8,
): Promise<void> {
  const definition = {
    ...definitionAt(f.now()),
    ...{ capacity: CAPACITY, admissionSeconds: ADMISSION_SECONDS, admitPerMinute: 1_000_000 },
    ...{ graceSeconds: 86_400, ...settings },
  };
  const { sale, capacity } = definition;
  await putSale(f.store, definition);
  const gateway = await queueGateway(f.store);
  gateway.queue.limit = unlimitedPolls;
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, capacity + waiting);
  const inside = fans.slice(0, capacity);
  while ((await giveTurns(f.store, sale)) > 0) f.pass(1);
  const claims: AdmissionClaims[] = [];
  for (const fan of inside) claims.push(await claim(sale, fan));
  await gateway.look(sale);
  const lost: Lost = {
    ...{ definition, sale, gateway, inside, waiting: fans.slice(capacity), claims, lostAt: f.now() },
    at: (seconds) => f.pass((lost.lostAt + seconds * 1_000 - f.now()) / 1_000),
    async lose() {
      await gateway.look(sale);
      await loseEverything(f, definition);
      lost.lostAt = f.now();
      await gateway.look(sale);
      await gateway.look(sale);
      for (const fan of lost.waiting) await gateway.poll(fan);
    },
    admitted: async () => (await census(f.redis, sale)).admitted,
  };
  await lost.lose();
  expect(await lost.admitted()).toBe(capacity);
  lost.at(RECOVERY_SECONDS);
  await gateway.look(sale);
  await test(lost);
  await giveTurns(f.store, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await gateway.stop();
}

test('fans who are gone without a word keep their rooms to the end of their admissions, and not a moment longer', () =>
  lostShop(async ({ sale, at, gateway, waiting, admitted }) => {
    at(ADMISSION_SECONDS - 1);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    expect(await giveTurns(f.store, sale)).toBe(0);
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
    expect(await giveTurns(f.store, sale)).toBe(CAPACITY);
    await gateway.look(sale);
    for (const fan of waiting.slice(0, CAPACITY)) expect((await gateway.poll(fan)).state).toBe('ready');
    expect(await admitted()).toBe(0);
  }));

test('however many they are, all of them: neither newcomers nor one another stand in their way', () =>
  lostShop(
    async ({ sale, at, waiting }) => {
      const other = waiting.at(-1) as TestFan;
      at(ADMISSION_SECONDS + ASKED_SECONDS);
      expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(450);
      expect(await f.redis.exists(saleKey(sale, 'holds-unknown'), saleKey(sale, 'silent'))).toBe(0);
      expect(await giveTurns(f.store, sale)).toBe(waiting.length);
      expect(await claim(sale, other)).toMatchObject({ sub: other.ticket.entry });
    },
    { capacity: 450 },
    20,
  ));

test('while the booking service does not answer, or not with all, nobody is ended early', () =>
  lostShop(async ({ sale, at, admitted }) => {
    const away = () => Promise.reject(new Problem('unavailable', 'The shop cannot be reached.'));
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    await expect(endTheSilent(f.store, sale, away)).rejects.toMatchObject({ code: 'unavailable' });
    at(ADMISSION_SECONDS + PAYMENT_EXTENSION_SECONDS - 1);
    await expect(endTheSilent(f.store, sale, away)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await giveTurns(f.store, sale)).toBe(0);
    expect(await admitted()).toBe(CAPACITY);
    at(ADMISSION_SECONDS + PAYMENT_EXTENSION_SECONDS + 1);
    expect(await giveTurns(f.store, sale)).toBe(CAPACITY);
  }));

test('a payment under way of a fan who is not heard of keeps its room for as long as it lasts, and can be made', () =>
  lostShop(async ({ sale, at, claims, inside, gateway, admitted }) => {
    const [first, second] = claims as [AdmissionClaims, AdmissionClaims];
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const holds = async () => [pays(first, 30_000), pays(second, 60_000)];
    expect(await endTheSilent(f.store, sale, holds)).toBe(CAPACITY - 2);
    expect(await giveTurns(f.store, sale)).toBe(CAPACITY - 2);
    // One comes back to pay once more, the other one's bank has answered.
    at(ADMISSION_SECONDS + ASKED_SECONDS + 20);
    expect(await come(first)).toBe('live');
    expect(await come(first, true)).toBe('live');
    await noteHoldEnds(f.store, { sale, sub: first.sub, jti: first.jti }, f.now() + 10_000);
    const { sub, number, iat } = second;
    expect(await finishAdmission(f.store, sale, sub, 'order-1', { number, iat })).toBe('finished');
    expect(await finishAdmission(f.store, sale, first.sub, 'order-2', first)).toBe('finished');
    expect(await admitted()).toBe(0);
    await gateway.look(sale);
    for (const fan of inside.slice(0, 2)) expect((await gateway.poll(fan)).state).toBe('finished');
    f.pass(1);
    expect(await giveTurns(f.store, sale)).toBe(2);
  }));

test('a payment that is given up frees its room when its hold ends', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    const [paying] = claims as [AdmissionClaims];
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    await endTheSilent(f.store, sale, async () => [pays(paying, 30_000)]);
    at(ADMISSION_SECONDS + ASKED_SECONDS + 29);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(1);
    at(ADMISSION_SECONDS + ASKED_SECONDS + 31);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(0);
    expect(await come(paying)).toBe('ended');
  }));

test('old tabs that come back one by one, by token or by ticket, take no room that is another’s by now', () =>
  lostShop(async ({ sale, at, claims, inside, waiting, gateway, admitted }) => {
    // One of them is seen in the queue, and comes to the shop no more.
    await gateway.poll(inside[3] as TestFan);
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
    await giveTurns(f.store, sale);
    for (const fan of waiting.slice(0, CAPACITY)) await claim(sale, fan);
    expect(await admitted()).toBe(CAPACITY);
    for (const each of claims) {
      expect(await come(each)).toBe('ended');
      expect(await come(each, true)).toBe('ended');
      expect(await admitted()).toBe(CAPACITY);
    }
    await gateway.look(sale);
    for (const fan of inside) expect((await gateway.poll(fan)).state).toBe('expired');
    expect(await admitted()).toBe(CAPACITY);
  }));

test('a tab that only looks, past its end, keeps its room until it is asked for, and not five minutes', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    at(ADMISSION_SECONDS + 1);
    for (const each of claims) expect(await come(each)).toBe('live');
    expect(await admitted()).toBe(CAPACITY);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
    expect(await giveTurns(f.store, sale)).toBe(CAPACITY);
    for (const each of claims) expect(await come(each)).toBe('ended');
  }));

test('whoever has come back in time and pays at the end is let finish; whoever only looked is over', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    const [paying, looking] = claims as [AdmissionClaims, AdmissionClaims];
    for (const each of claims) expect(await come(each)).toBe('live');
    at(ADMISSION_SECONDS + 1);
    expect(await endTheSilent(f.store, sale, async () => [pays(paying, 200_000)])).toBe(CAPACITY - 1);
    expect(await admitted()).toBe(1);
    // The card was refused: with another one.
    expect(await come(paying, true)).toBe('live');
    expect(await come(looking, true)).toBe('ended');
  }));

test('a payment that has just been let in is not taken for none: the booking service may not know it yet', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    const [paying] = claims as [AdmissionClaims];
    at(ADMISSION_SECONDS + 1);
    const asked = async () => {
      expect(await come(paying, true)).toBe('live');
      return [];
    };
    expect(await endTheSilent(f.store, sale, asked)).toBe(CAPACITY - 1);
    expect(await admitted()).toBe(1);
    f.pass(14);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    f.pass(2);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(1);
  }));

test('an answer from before another loss says nothing about who is in the shop after it', () =>
  lostShop(async ({ sale, at, lose, admitted }) => {
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const lostMeanwhile = async () => {
      await lose();
      return [];
    };
    expect(await endTheSilent(f.store, sale, lostMeanwhile)).toBe(0);
    expect(await admitted()).toBe(CAPACITY);
  }));

test('a second loss in between: whose payment goes on has its room by its token, whose admission is over has none', () =>
  lostShop(async ({ sale, at, lose, gateway, claims, waiting, admitted }) => {
    const [paying, gone] = claims as [AdmissionClaims, AdmissionClaims];
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, async () => [pays(paying, 290_000)])).toBe(CAPACITY - 1);
    await giveTurns(f.store, sale);
    for (const fan of waiting.slice(0, CAPACITY - 1)) await claim(sale, fan);
    await lose();
    expect(await admitted()).toBe(CAPACITY);
    at(RECOVERY_SECONDS);
    expect(await come(gone)).toBe('ended');
    expect(await come(gone, true)).toBe('ended');
    expect(await come(paying)).toBe('live');
    expect(await come(paying, true)).toBe('live');
    expect(await admitted()).toBe(CAPACITY);
    // Newcomers who have gone without a word in their turn.
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, async () => [pays(paying, 90_000)])).toBe(CAPACITY - 1);
    await gateway.look(sale);
    for (const fan of waiting) await gateway.poll(fan);
    await giveTurns(f.store, sale);
    for (const fan of waiting.slice(CAPACITY - 1, 2 * CAPACITY - 2)) await claim(sale, fan);
    expect(await admitted()).toBe(CAPACITY);
    expect(await come(gone)).toBe('ended');
    expect(await finishAdmission(f.store, sale, paying.sub, 'order-1', paying)).toBe('finished');
  }));

test('Redis goes back to before rooms were given on: they stay whose they are', () =>
  lostShop(async ({ sale, at, gateway, claims, waiting, admitted }) => {
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const saved = await saveQueue(f, sale);
    await endTheSilent(f.store, sale, nobodyPays);
    await giveTurns(f.store, sale);
    const newcomers: AdmissionClaims[] = [];
    for (const fan of waiting.slice(0, CAPACITY)) newcomers.push(await claim(sale, fan));
    await gateway.look(sale);
    await goBack(f, sale, saved);
    for (let looks = 0; looks < 3; looks += 1) await gateway.look(sale);
    expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch: 3, recovering: true });
    f.pass(ASKED_SECONDS);
    for (const each of newcomers) expect(await come(each)).toBe('live');
    for (const each of claims) expect(await come(each, true)).toBe('ended');
    expect(await admitted()).toBe(CAPACITY);
  }));

test('past its end a token that nobody remembers proves no room in a full shop, and one for a payment where there is', () =>
  lostShop(async ({ sale, definition, gateway, claims, waiting, admitted }) => {
    await gateway.queue.watch.stop();
    await loseEverything(f, definition);
    const fresh = await queueGateway(f.store);
    await fresh.queue.watch.renew(sale);
    for (const fan of waiting) await fresh.poll(fan);
    f.pass(RECOVERY_SECONDS);
    await fresh.look(sale);
    for (const fan of waiting) await fresh.poll(fan);
    while ((await giveTurns(f.store, sale)) > 0) f.pass(1);
    for (const fan of waiting.slice(0, CAPACITY - 1)) await claim(sale, fan);
    await finishAdmission(f.store, sale, waiting[0]!.ticket.entry, 'order-1');
    await finishAdmission(f.store, sale, waiting[CAPACITY - 1]!.ticket.entry, 'order-2');
    const [first, second, third] = claims as [AdmissionClaims, AdmissionClaims, AdmissionClaims];
    expect(await come(first)).toBe('ended');
    expect([await come(first, true), await come(second, true)]).toEqual(['live', 'live']);
    expect(await come(third, true)).toBe('ended');
    expect(await admitted()).toBe(CAPACITY);
    await fresh.stop();
  }));

test('a payment whose token says no number takes one room that is kept, and goes on in it', () =>
  lostShop(async ({ sale, at, gateway, inside, admitted }) => {
    await gateway.poll(inside[0] as TestFan);
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const nameless = { entry: 'AAAAAAAAAAA', queueNumber: null, admittedAt: null, leftMs: 60_000 };
    expect(await endTheSilent(f.store, sale, async () => [nameless])).toBe(CAPACITY - 1);
    expect(await admitted()).toBe(1);
    f.pass(59);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(1);
    f.pass(1);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(0);
  }));

test('one who bought and one who was let in instead, in the last moments before a loss: the room of the one is the other’s', () =>
  lostShop(async ({ sale, definition, gateway, claims, waiting, admitted }) => {
    const [bought] = claims as [AdmissionClaims];
    // Everybody is known again, and then the last moments are not.
    for (const each of claims) expect(await come(each)).toBe('live');
    await gateway.look(sale);
    await finishAdmission(f.store, sale, bought.sub, 'order-1', bought);
    await giveTurns(f.store, sale);
    const instead = await claim(sale, waiting[0] as TestFan);
    await loseEverything(f, definition);
    const lostAt = f.now();
    await gateway.look(sale);
    await gateway.look(sale);
    for (const fan of waiting.slice(1)) await gateway.poll(fan);
    f.pass(RECOVERY_SECONDS);
    await gateway.look(sale);
    // Who bought is over by the token, and looks once more: the room stays as it is.
    f.pass((bought.ends * 1_000 - f.now()) / 1_000 + 1);
    expect(await come(bought)).toBe('live');
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    expect(await admitted()).toBe(CAPACITY);
    f.pass((instead.ends * 1_000 - f.now()) / 1_000 - 1);
    expect(await giveTurns(f.store, sale)).toBe(0);
    f.pass((lostAt + ADMISSION_SECONDS * 1_000 - f.now()) / 1_000 + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, async () => [pays(instead, 60_000)])).toBeGreaterThan(0);
    expect(await admitted()).toBe(1);
    await gateway.look(sale);
    for (const fan of waiting) await gateway.poll(fan);
    f.pass(1);
    expect(await giveTurns(f.store, sale)).toBe(CAPACITY - 1);
    expect(await come(instead)).toBe('live');
    expect(await come(instead, true)).toBe('live');
    expect(await finishAdmission(f.store, sale, instead.sub, 'order-2', instead)).toBe('finished');
    expect(await admitted()).toBe(0);
  }));

test('another loss begins the time of all who are not heard of anew, whatever Redis has kept of them', () =>
  lostShop(async ({ sale, at, lostAt, gateway, admitted }) => {
    const saved = await saveQueue(f, sale);
    at(ADMISSION_SECONDS - 10);
    await gateway.look(sale);
    await goBack(f, sale, saved);
    for (let looks = 0; looks < 3; looks += 1) await gateway.look(sale);
    const again = f.now();
    const pass = (from: number, seconds: number) => f.pass((from + seconds * 1_000 - f.now()) / 1_000);
    pass(lostAt, ADMISSION_SECONDS + PAYMENT_EXTENSION_SECONDS / 10);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    pass(again, ADMISSION_SECONDS - 1);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(CAPACITY);
    pass(again, ADMISSION_SECONDS);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
  }));

test('so it does where admissions last longer than payments may: no room ends unasked before its time', () =>
  lostShop(
    async ({ sale, lostAt, gateway, waiting, admitted }) => {
      const saved = await saveQueue(f, sale);
      const pass = (from: number, seconds: number) => f.pass((from + seconds * 1_000 - f.now()) / 1_000);
      pass(lostAt, 590);
      await gateway.look(sale);
      await goBack(f, sale, saved);
      for (let looks = 0; looks < 3; looks += 1) await gateway.look(sale);
      const again = f.now();
      pass(lostAt, 600 + PAYMENT_EXTENSION_SECONDS + 1);
      for (const fan of waiting) await gateway.poll(fan);
      expect(await giveTurns(f.store, sale)).toBe(0);
      expect(await admitted()).toBe(CAPACITY);
      pass(again, 600 + PAYMENT_EXTENSION_SECONDS + 1);
      await giveTurns(f.store, sale);
      expect(await admitted()).toBe(0);
    },
    { admissionSeconds: 600 },
  ));

test('a shorter time for admissions ends none that was given before', () =>
  lostShop(async ({ sale, lose, lostAt, definition, gateway, claims, admitted }) => {
    const shorter = { ...definition, admissionSeconds: 15, version: 2 };
    Object.assign(definition, shorter);
    await putSale(f.store, definition);
    for (const each of claims) expect(await come(each)).toBe('live');
    await gateway.look(sale);
    await lose();
    f.pass((lostAt + (ADMISSION_SECONDS - 1) * 1_000 - f.now()) / 1_000);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(0);
    expect(await admitted()).toBe(CAPACITY);
    f.pass(ADMISSION_SECONDS);
    expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
  }));

test('whoever pays for two holds has the room as long as the longer one lives, in whichever order they are told', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    const [known, silent] = claims as [AdmissionClaims, AdmissionClaims];
    expect(await come(known)).toBe('live');
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const holds = async () => [
      ...[pays(known, 10_000), pays(known, 200_000)],
      ...[pays(silent, 200_000), pays(silent, 10_000)],
    ];
    expect(await endTheSilent(f.store, sale, holds)).toBe(CAPACITY - 2);
    f.pass(60);
    await giveTurns(f.store, sale);
    expect(await admitted()).toBe(2);
    expect([await come(known, true), await come(silent, true)]).toEqual(['live', 'live']);
  }));

test('an answer says nothing of those who are over only behind the moment of the question', () =>
  lostShop(async ({ sale, at, claims, admitted }) => {
    const [early, paying] = claims as [AdmissionClaims, AdmissionClaims];
    expect(await come(early)).toBe('live');
    at(ADMISSION_SECONDS - 0.001);
    // The time of the stand-ins passes between what is noted and what is ended.
    let calls = 0;
    const time = () => {
      calls += 1;
      return f.now() + (calls > 2 ? 1 : 0);
    };
    await f.redis.zadd(saleKey(sale, 'holds-unknown'), f.now() - 1, early.sub);
    expect(await endTheSilent({ ...f.store, time }, sale, async () => [pays(paying, 200_000)])).toBe(1);
    expect(calls).toBeGreaterThan(3);
    expect(await admitted()).toBe(CAPACITY - 1);
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    expect(await endTheSilent(f.store, sale, async () => [pays(paying, 200_000)])).toBe(CAPACITY - 2);
    expect(await come(paying, true)).toBe('live');
  }));

test.each([false, true])(
  'an older answer with a payment does not take a room back that a newer one has given on (shown up by ticket: %s)',
  (isKnown) =>
    lostShop(async ({ sale, at, claims, inside, gateway, waiting, admitted }) => {
      if (isKnown) await gateway.poll(inside[0] as TestFan);
      at(ADMISSION_SECONDS + ASKED_SECONDS);
      const slow = async () => {
        f.pass(3);
        expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
        await giveTurns(f.store, sale);
        for (const fan of waiting.slice(0, CAPACITY)) await claim(sale, fan);
        return [pays(claims[0] as AdmissionClaims, 2_000)];
      };
      expect(await endTheSilent(f.store, sale, slow)).toBe(0);
      expect(await admitted()).toBe(CAPACITY);
    }),
);

test('an answer that took too long says nothing', () =>
  lostShop(async ({ sale, at, admitted }) => {
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    const late = async () => {
      f.pass(5.1);
      return [];
    };
    expect(await endTheSilent(f.store, sale, late)).toBe(0);
    expect(await admitted()).toBe(CAPACITY);
  }));

test('of several gateways one asks at a time', () =>
  lostShop(async ({ sale, at }) => {
    at(ADMISSION_SECONDS + ASKED_SECONDS);
    let asked = 0;
    const slow = async () => {
      asked += 1;
      if (asked === 1) expect(await endTheSilent(f.store, sale, slow)).toBe(0);
      return [];
    };
    expect(await endTheSilent(f.store, sale, slow)).toBe(CAPACITY);
    expect(asked).toBe(1);
  }));

test('a time for admissions that nobody was let in under keeps no room', async () => {
  const definition: SaleDefinition = {
    ...definitionAt(f.now()),
    ...{ capacity: CAPACITY, admissionSeconds: 86_400, admitPerMinute: 1_000_000, graceSeconds: 86_400 },
  };
  const { sale } = definition;
  await putSale(f.store, definition);
  Object.assign(definition, { admissionSeconds: ADMISSION_SECONDS, version: 2 });
  await putSale(f.store, definition);
  const gateway = await queueGateway(f.store);
  gateway.queue.limit = unlimitedPolls;
  await gateway.queue.watch.renew(sale);
  const fans = await joinMany(gateway, sale, CAPACITY + 2);
  while ((await giveTurns(f.store, sale)) > 0) f.pass(1);
  for (const fan of fans.slice(0, CAPACITY)) await claim(sale, fan);
  await gateway.look(sale);
  await loseEverything(f, definition);
  const lostAt = f.now();
  for (let looks = 0; looks < 2; looks += 1) await gateway.look(sale);
  f.pass((lostAt - f.now()) / 1_000 + ADMISSION_SECONDS + ASKED_SECONDS);
  expect(await endTheSilent(f.store, sale, nobodyPays)).toBe(CAPACITY);
  await gateway.stop();
});
