import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAdmissionTokenVerifier } from '#shared/admission-token.ts';
import { leavePlace, lookUpEntry, takePlace } from '../queue/place.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import { census, definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { checkAdmission, claimTurn, finishAdmission, noteHoldEnds } from './admission.ts';
import { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
import { giveTurns } from './turn-giver.ts';

let f: QueueFixture;
let keys: SigningKeys;
beforeAll(async () => {
  f = await queueFixture();
  keys = await loadSigningKeys(JSON.stringify([await newKey('first')]));
});
afterAll(() => f.close());

async function newKey(kid: string) {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

const joinAs = (sale: string, keyEntry: string) => takePlace(f.store, sale, { ticketEntry: null, keyEntry });
const joinMany = async (sale: string, count: number) => {
  for (let i = 1; i <= count; i += 1) await joinAs(sale, `fan-${i}`);
};
const stateOf = async (sale: string, entry: string) => (await lookUpEntry(f.store, sale, entry))?.state;
const claim = (sale: string, entry: string) => claimTurn(f.store, keys, sale, entry);
const claimsOf = (token: string) => decodeJwt(token) as never;

test('turns go to the front of the queue, never beyond the capacity', async () => {
  const sale = await f.sale({ capacity: 3 });
  await joinMany(sale, 5);
  await Promise.all(Array.from({ length: 8 }, () => giveTurns(f.store, sale)));
  expect(await census(f.redis, sale)).toMatchObject({ waiting: 2, ready: 3, admitted: 0 });
  for (const fan of ['fan-1', 'fan-2', 'fan-3']) await claim(sale, fan);
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-4')).toBe('waiting');
  await finishAdmission(f.store, sale, 'fan-2', 'order-1');
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-4')).toBe('ready');
  expect(await stateOf(sale, 'fan-5')).toBe('waiting');
});

test('the admission rate holds over a minute and is smooth within it', async () => {
  const sale = await f.sale({ admitPerMinute: 120, capacity: 1_000 });
  await joinMany(sale, 300);
  const perSecond: number[] = [];
  for (let second = 0; second < 60; second += 1) {
    let given = 0;
    for (let tick = 0; tick < 5; tick += 1) {
      given += await giveTurns(f.store, sale);
      f.pass(0.2);
    }
    perSecond.push(given);
  }
  const sum = perSecond.reduce((a, b) => a + b, 0);
  expect(sum).toBeGreaterThanOrEqual(119);
  expect(sum).toBeLessThanOrEqual(122);
  expect(Math.max(...perSecond.slice(1))).toBeLessThanOrEqual(3);
});

test('a claim is one admission however often and however parallel it is made, with the same token', async () => {
  const sale = await f.sale();
  await joinMany(sale, 1);
  await giveTurns(f.store, sale);
  const admissions = await Promise.all(Array.from({ length: 100 }, () => claim(sale, 'fan-1')));
  expect(new Set(admissions.map(({ token }) => token)).size).toBe(1);
  f.pass(60);
  const again = await claim(sale, 'fan-1');
  expect(again.token).toBe(admissions[0]!.token);
  expect(again.expiresAt).toBe(f.now() - 60_000 + 600_000);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 1, ready: 0 });
});

test('the token says what the verifier demands, and outlives the admission by the longest payment', async () => {
  const sale = await f.sale();
  await joinMany(sale, 1);
  await giveTurns(f.store, sale);
  const { token, expiresAt } = await claim(sale, 'fan-1');
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: 'admission+jwt', kid: 'first' });
  const verify = createAdmissionTokenVerifier({
    keys: keys.verificationKeys,
    clock: f.now,
    toleranceSeconds: 0,
  });
  expect(await verify(token)).toMatchObject({
    sub: 'fan-1',
    sale,
    ends: Math.ceil(expiresAt / 1000),
    exp: Math.ceil(expiresAt / 1000) + 300,
  });
});

test('after a rotation a repeated claim still returns the same token', async () => {
  const old = await newKey('old');
  const before = await loadSigningKeys(JSON.stringify([old]));
  const after = await loadSigningKeys(JSON.stringify([await newKey('new'), old]));
  const sale = await f.sale();
  await joinMany(sale, 2);
  await giveTurns(f.store, sale);
  const first = await claimTurn(f.store, before, sale, 'fan-1');
  expect((await claimTurn(f.store, after, sale, 'fan-1')).token).toBe(first.token);
  expect(decodeProtectedHeader((await claimTurn(f.store, after, sale, 'fan-2')).token).kid).toBe('new');
});

test('claiming too early is not-your-turn, too late is turn-missed, and the room of a missed turn is free at once', async () => {
  const sale = await f.sale({ capacity: 1 });
  await joinMany(sale, 2);
  await expect(claim(sale, 'fan-1')).rejects.toMatchObject({ code: 'not-your-turn' });
  await giveTurns(f.store, sale);
  f.pass(180);
  await expect(claim(sale, 'fan-1')).rejects.toMatchObject({ code: 'turn-missed' });
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-2')).toBe('ready');
});

test('whoever shows up in time after a missed turn gets the next free one, before everybody else, once', async () => {
  const sale = await f.sale({ capacity: 1 });
  await joinMany(sale, 3);
  await giveTurns(f.store, sale);
  f.pass(181);
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-2')).toBe('ready');
  const shownUp = await lookUpEntry(f.store, sale, 'fan-1');
  expect(shownUp).toMatchObject({ state: 'missed', returning: true });
  await leavePlace(f.store, sale, 'fan-2');
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-1')).toBe('ready');
  expect(await stateOf(sale, 'fan-3')).toBe('waiting');
  f.pass(181);
  await giveTurns(f.store, sale);
  expect(await lookUpEntry(f.store, sale, 'fan-1')).toMatchObject({ state: 'missed', returning: false });
  expect(await census(f.redis, sale)).toMatchObject({
    joined: 3,
    waiting: 0,
    ready: 1,
    admitted: 0,
    ended: 2,
  });
});

test('whoever shows up too late after a missed turn has none', async () => {
  const sale = await f.sale({ capacity: 1, graceSeconds: 60 });
  await joinMany(sale, 1);
  await giveTurns(f.store, sale);
  f.pass(180);
  await giveTurns(f.store, sale);
  f.pass(60);
  expect(await lookUpEntry(f.store, sale, 'fan-1')).toMatchObject({ state: 'missed', returning: false });
});

test('an admission ends at its fixed moment and frees its room, unless a live hold carries it on', async () => {
  const sale = await f.sale({ capacity: 2 });
  await joinMany(sale, 3);
  await giveTurns(f.store, sale);
  const plain = claimsOf((await claim(sale, 'fan-1')).token);
  const holding = claimsOf((await claim(sale, 'fan-2')).token);
  f.pass(590);
  expect(await checkAdmission(f.store, holding, { startsPayment: false })).toMatchObject({ state: 'live' });
  await noteHoldEnds(f.store, holding, f.now() + 10_000);
  expect(await checkAdmission(f.store, holding, { startsPayment: true })).toMatchObject({ state: 'live' });
  f.pass(15);
  expect(await checkAdmission(f.store, plain, { startsPayment: false })).toMatchObject({ state: 'ended' });
  expect(await checkAdmission(f.store, holding, { startsPayment: false })).toMatchObject({ state: 'live' });
  await giveTurns(f.store, sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 1, ready: 1 });
  f.pass(300);
  expect(await checkAdmission(f.store, holding, { startsPayment: true })).toMatchObject({ state: 'ended' });
  await giveTurns(f.store, sale);
  expect(await census(f.redis, sale)).toMatchObject({ admitted: 0 });
});

test('the end of an admission is told by the clock it was given by, also while only a hold carries it on', async () => {
  const sale = await f.sale();
  await joinMany(sale, 1);
  await giveTurns(f.store, sale);
  const claims = claimsOf((await claim(sale, 'fan-1')).token);
  const leftMs = async () => (await checkAdmission(f.store, claims, { startsPayment: false })).leftMs;
  expect(await leftMs()).toBe(600_000);
  f.pass(590);
  await noteHoldEnds(f.store, claims, f.now() + 60_000);
  f.pass(20);
  expect(await leftMs()).toBe(-10_000);
});

test('a finished admission is finished for good, and joining again is refused', async () => {
  const sale = await f.sale();
  await joinMany(sale, 2);
  await giveTurns(f.store, sale);
  const claims = claimsOf((await claim(sale, 'fan-1')).token);
  expect(await finishAdmission(f.store, sale, 'fan-1', 'order-1')).toBe('finished');
  expect(await finishAdmission(f.store, sale, 'fan-1', 'order-1')).toBe('finished');
  expect(await checkAdmission(f.store, claims, { startsPayment: false })).toMatchObject({
    state: 'finished',
  });
  await expect(joinAs(sale, 'fan-1')).rejects.toMatchObject({ code: 'already-finished' });
  await expect(claim(sale, 'fan-1')).rejects.toMatchObject({ code: 'already-finished' });
  await claim(sale, 'fan-2');
  expect(await leavePlace(f.store, sale, 'fan-2')).toBe('finished');
  expect(await census(f.redis, sale)).toMatchObject({ joined: 2, admitted: 0, ended: 2 });
});

test('a token of another admission of the same fan is unknown', async () => {
  const sale = await f.sale();
  await joinMany(sale, 1);
  await giveTurns(f.store, sale);
  const claims = claimsOf((await claim(sale, 'fan-1')).token) as object;
  expect(
    await checkAdmission(f.store, { ...claims, jti: 'other' } as never, { startsPayment: false }),
  ).toMatchObject({ state: 'unknown' });
});

test('a lowered capacity ends nobody; turns that find the shop full are kept and served by queue number', async () => {
  const definition = definitionAt(f.now());
  const { sale } = definition;
  await putSale(f.store, { ...definition, capacity: 4 });
  await joinMany(sale, 5);
  await giveTurns(f.store, sale);
  await claim(sale, 'fan-1');
  await claim(sale, 'fan-2');
  await putSale(f.store, { ...definition, capacity: 2, version: 2 });
  await expect(claim(sale, 'fan-4')).rejects.toMatchObject({ code: 'shop-full', retryAfterSeconds: 2 });
  await expect(claim(sale, 'fan-3')).rejects.toMatchObject({ code: 'shop-full' });
  f.pass(500);
  await giveTurns(f.store, sale);
  expect(await stateOf(sale, 'fan-3')).toBe('ready');
  await finishAdmission(f.store, sale, 'fan-1', 'order-1');
  await expect(claim(sale, 'fan-4')).rejects.toMatchObject({ code: 'shop-full' });
  expect((await claim(sale, 'fan-3')).entry.state).toBe('admitted');
  await finishAdmission(f.store, sale, 'fan-2', 'order-2');
  await giveTurns(f.store, sale);
  expect(await lookUpEntry(f.store, sale, 'fan-4')).toMatchObject({
    state: 'ready',
    claimBy: f.now() + 180_000,
  });
  expect(await stateOf(sale, 'fan-5')).toBe('waiting');
  expect((await claim(sale, 'fan-4')).entry.state).toBe('admitted');
  expect(await census(f.redis, sale)).toEqual({
    joined: 5,
    lobby: 0,
    waiting: 1,
    ready: 0,
    admitted: 2,
    ended: 2,
  });
});

test('while paused no turn is given, and turns given before can be claimed', async () => {
  const definition = definitionAt(f.now());
  const { sale } = definition;
  await putSale(f.store, { ...definition, capacity: 1 });
  await joinMany(sale, 2);
  await giveTurns(f.store, sale);
  await putSale(f.store, { ...definition, capacity: 2, paused: true, version: 2 });
  expect(await giveTurns(f.store, sale)).toBe(0);
  expect((await joinAs(sale, 'late')).created).toBe(true);
  expect((await claim(sale, 'fan-1')).entry.state).toBe('admitted');
  await putSale(f.store, { ...definition, capacity: 2, version: 3 });
  expect(await giveTurns(f.store, sale)).toBe(1);
});

test('scripts survive SCRIPT FLUSH unnoticed', async () => {
  const sale = await f.sale();
  await f.redis.script('FLUSH');
  await joinMany(sale, 2);
  expect(await giveTurns(f.store, sale)).toBe(2);
  expect(await f.redis.zcard(saleKey(sale, 'ready'))).toBe(2);
});
