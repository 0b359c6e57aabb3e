import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdmissionClaims } from '#shared/admission-token.ts';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import { checkAdmission, claimTurn, finishAdmission } from '../admission/admission.ts';
import type { SigningKeys } from '../admission/signing-keys.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import {
  faultsOf,
  joinMany,
  loseEverything,
  READMIT_SECONDS,
  RECOVERY_SECONDS,
} from '../testing/losing-redis.ts';
import { lobbySale } from '../testing/lost-lobby.ts';
import { census, definitionAt, entryOf, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from '../testing/queue-gateway.ts';
import { testSigningKeys } from '../testing/test-keys.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await testSigningKeys();
});
afterAll(() => f.close());

async function openSale(settings: Partial<SaleDefinition> = {}) {
  const definition = { ...definitionAt(f.now()), capacity: 1, ...settings };
  await putSale(f.store, definition);
  return definition;
}

/** What the door and the booking service read in the fan's token. */
async function claim(sale: string, fan: TestFan): Promise<AdmissionClaims> {
  const { token } = await claimTurn(f.store, keys, sale, fan.ticket.entry);
  return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as AdmissionClaims;
}

const finish = (claims: AdmissionClaims) =>
  finishAdmission(f.store, claims.sale, claims.sub, 'order-1', { number: claims.number, iat: claims.iat });
const check = (claims: AdmissionClaims) => checkAdmission(f.store, claims, { startsPayment: false });

/** The rate of turns grows from little to its height. */
async function turnsAfterRecovery(sale: string) {
  await giveTurns(f.store, sale);
  f.pass(10);
  await giveTurns(f.store, sale);
}

async function lookTwice(gateway: QueueGateway, sale: string) {
  await gateway.look(sale);
  await gateway.look(sale);
}

test('an order known only by the worker’s word frees its room, whether its number is brought back before or after', async () => {
  for (const isTold of ['before', 'after', 'again'] as const) {
    const definition = await openSale();
    const { sale } = definition;
    const gateway = await queueGateway(f.store);
    await gateway.queue.watch.renew(sale);
    const [inside, next] = (await joinMany(gateway, sale, 2)) as [TestFan, TestFan];
    await giveTurns(f.store, sale);
    const claims = await claim(sale, inside);
    await gateway.look(sale);
    await loseEverything(f, definition);
    await gateway.queue.watch.renew(sale);
    if (isTold === 'before') expect(await finish(claims)).toBe('finished');
    await lookTwice(gateway, sale);
    // An order from before the token was kept with it says nothing of the number; told once more, it may.
    if (isTold === 'again') await finishAdmission(f.store, sale, claims.sub, 'order-1');
    if (isTold !== 'before') expect(await finish(claims)).toBe('finished');
    expect(await census(f.redis, sale)).toMatchObject({ joined: 2, waiting: 1, admitted: 0, ended: 1 });
    f.pass(RECOVERY_SECONDS);
    await gateway.poll(next);
    await turnsAfterRecovery(sale);
    await gateway.look(sale);
    expect((await gateway.poll(next)).state).toBe('ready');
    expect((await gateway.poll(inside)).state).toBe('finished');
    expect((await check(claims)).state).toBe('finished');
    expect(await faultsOf(f, sale)).toEqual([]);
    await gateway.stop();
  }
});

/** A fan who came, had a turn and claimed it in the last moment, which nobody remembers; then another with that number. */
async function numberGivenAgain() {
  const definition = await openSale({ capacity: 3, claimSeconds: 60 });
  const { sale } = definition;
  const gateway = await queueGateway(f.store);
  await gateway.queue.watch.renew(sale);
  const [first] = (await joinMany(gateway, sale, 1)) as [TestFan];
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  const other = await queueGateway(f.store);
  const early = await other.join(sale, 'early');
  await giveTurns(f.store, sale);
  const claims = await claim(sale, early);
  await other.queue.watch.stop();
  await loseEverything(f, definition);
  await gateway.queue.watch.renew(sale);
  await lookTwice(gateway, sale);
  await gateway.poll(first);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
  const later = await gateway.join(sale, 'later');
  expect([claims.number, later.ticket.queueNumber]).toEqual([2, 2]);
  const stop = async () => {
    await gateway.stop();
    await other.stop();
  };
  return { definition, sale, gateway, early, claims, later, stop };
}

test('the token of an epoch long ago counts, and its number does not: the turn of whoever has it now is theirs', async () => {
  const { sale, gateway, claims, later, stop } = await numberGivenAgain();
  expect((await check(claims)).state).toBe('live');
  await turnsAfterRecovery(sale);
  f.pass(60);
  await giveTurns(f.store, sale);
  await finish(claims);
  await gateway.look(sale);
  expect(await gateway.poll(later)).toMatchObject({ state: 'missed', returning: true });
  expect(await faultsOf(f, sale)).toEqual([]);
  await stop();
});

test('an admission is checked while a draw that cannot be proven any more waits for its lobby', async () => {
  const { sale } = await lobbySale(f, 4);
  const draw = { state: 'unproven', lobbyMissing: f.now() + 60_000, entries: 4, placed: 0 };
  await f.redis.hdel(saleKey(sale, 'draw'), 'drawnTo');
  await f.redis.hset(saleKey(sale, 'draw'), draw);
  const seconds = Math.floor(f.now() / 1000);
  const claims = {
    sub: entryOf('bought'),
    jti: 'a-jti',
    number: 2,
    iat: seconds,
    exp: seconds + 900,
    ends: seconds + 600,
  };
  expect((await checkAdmission(f.store, { ...claims, sale }, { startsPayment: false })).state).toBe('live');
});

test('nor does an old token or its ticket take the stand-in of whoever has its number now', async () => {
  for (const withTicket of [true, false]) {
    const { definition, sale, gateway, early, claims, later, stop } = await numberGivenAgain();
    await gateway.look(sale);
    await loseEverything(f, definition);
    await lookTwice(gateway, sale);
    f.pass(READMIT_SECONDS);
    expect((await check(claims)).state).toBe('live');
    if (withTicket) await gateway.poll(early);
    else await finish(claims);
    expect(await gateway.poll(later)).toMatchObject({ state: 'waiting', queueNumber: 2 });
    expect(await faultsOf(f, sale)).toEqual([]);
    await stop();
  }
});

test('a number that only a token proves is given to nobody else', async () => {
  const definition = await openSale();
  const { sale } = definition;
  const before = await queueGateway(f.store);
  const [fan] = (await joinMany(before, sale, 1)) as [TestFan];
  await giveTurns(f.store, sale);
  const claims = await claim(sale, fan);
  await before.stop();
  await loseEverything(f, definition);
  f.pass(RECOVERY_SECONDS);
  expect((await check(claims)).state).toBe('live');
  const after = await queueGateway(f.store);
  expect((await after.join(sale, 'newcomer')).ticket.queueNumber).toBe(2);
  await giveTurns(f.store, sale);
  expect(await faultsOf(f, sale)).toEqual([]);
  await after.stop();
});
