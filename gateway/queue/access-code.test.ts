import { afterAll, beforeAll, expect, test } from 'vitest';
import { SaleRequest } from '#shared/contract/sale.ts';
import { JSON_BODY_BYTES_MAX } from '#shared/json-body.ts';
import { finishAdmission } from '../admission/admission.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import { type GatewayFixture, gatewayFixture, json, problem } from '../testing/gateway-fixture.ts';
import { census, definitionAt } from '../testing/queue-fixture.ts';
import { ACCESS_CODE_OPENINGS_PER_USE } from './access-code.ts';
import { leavePlace, lookUpEntry, takePlace } from './place.ts';

let g: GatewayFixture;
beforeAll(async () => {
  g = await gatewayFixture();
});
afterAll(() => g.close());

const presale = (settings = {}, codes = ['night-1', 'night-2']) =>
  g.sale({ accessCodeUses: 1, ...settings }, codes);
const join = (sale: string, body: object, key?: string) =>
  g.post(`/api/sales/${sale}/queue`, body, key === undefined ? json : { ...json, 'idempotency-key': key });
const take = (sale: string, keyEntry: string, code: string) =>
  takePlace(g.store, sale, { ticketEntry: null, keyEntry }, code);
const everything = async (sale: string) => {
  const keys = await g.keysOf(sale);
  return Promise.all(keys.map(async (key) => [key, await g.redis.dump(key)]));
};

test.each([
  [{}, /access code/],
  [{ accessCode: 'NIGHT-3' }, /not valid/],
  [{ accessCode: 'night-1:opened' }, /not valid/],
  [{ accessCode: 'ｎｉｇｈｔ-1' }, /not valid/],
])('joining with %j is forbidden, and nothing is written', async (body, detail) => {
  const sale = await presale();
  const before = await everything(sale);
  const refused = await problem(join(sale, body, 'my-key'));
  expect(refused).toMatchObject({ status: 403, code: 'forbidden', detail: expect.stringMatching(detail) });
  expect(await everything(sale)).toEqual(before);
});

test('a code opens one place, however it is typed; the same key or ticket finds it again, without the code too', async () => {
  const sale = await presale();
  const first = await join(sale, { accessCode: ' Night-1 ' }, 'ada');
  expect(first.status).toBe(201);
  const { queueTicket } = (await first.json()) as { queueTicket: string };
  expect((await join(sale, { accessCode: 'NIGHT-1' }, 'ada')).status).toBe(200);
  expect((await join(sale, {}, 'ada')).status).toBe(200);
  const byTicket = { ...json, authorization: `Bearer ${queueTicket}` };
  expect((await g.post(`/api/sales/${sale}/queue`, {}, byTicket)).status).toBe(200);
  expect(await problem(join(sale, { accessCode: 'night-1' }, 'ben'))).toMatchObject({
    code: 'forbidden',
    detail: expect.stringMatching(/in use/),
  });
  expect((await join(sale, { accessCode: 'night-2' }, 'ben')).status).toBe(201);
  expect(await census(g.redis, sale)).toMatchObject({ joined: 2, waiting: 2 });
});

test('a hundred joins at once with one code: as many places as it is good for', async () => {
  const sale = await presale({ accessCodeUses: 3 });
  const places = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) => take(sale, `fan-${i}`, 'night-1')),
  );
  expect(places.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect((await census(g.redis, sale)).joined).toBe(3);
});

test('a place that was left, or missed for good, gives its code back; one that may still be taken up does not', async () => {
  const sale = await presale({ capacity: 1, claimSeconds: 10, graceSeconds: 60 });
  await take(sale, 'left', 'night-1');
  await leavePlace(g.store, sale, 'left');
  await take(sale, 'missed', 'night-1');
  await giveTurns(g.store, sale);
  g.pass(10);
  expect((await lookUpEntry(g.store, sale, 'missed'))?.returning).toBe(true);
  await expect(take(sale, 'other', 'night-1')).rejects.toMatchObject({ code: 'forbidden' });
  await giveTurns(g.store, sale);
  g.pass(10);
  expect(await lookUpEntry(g.store, sale, 'missed')).toMatchObject({ state: 'missed', returning: false });
  await take(sale, 'away', 'night-1');
  await giveTurns(g.store, sale);
  g.pass(10);
  await giveTurns(g.store, sale);
  g.pass(59);
  await expect(take(sale, 'other', 'night-1')).rejects.toMatchObject({ code: 'forbidden' });
  g.pass(1);
  expect(await take(sale, 'other', 'night-1')).toMatchObject({ created: true });
});

test('a finished place has used its code up; an expired one gives it back, unless it turns out to be paid', async () => {
  const sale = await presale({ capacity: 1, admissionSeconds: 20 }, ['paid', 'late']);
  const claim = async (key: string, accessCode: string) => {
    const joined = await join(sale, { accessCode }, key);
    const { queueTicket } = (await joined.json()) as { queueTicket: string };
    await giveTurns(g.store, sale);
    const authorization = `Bearer ${queueTicket}`;
    expect((await g.post(`/api/sales/${sale}/queue/me/claim`, {}, { ...json, authorization })).status).toBe(
      200,
    );
    return String(queueTicket.split('.')[2]);
  };
  await finishAdmission(g.store, sale, await claim('ada', 'paid'), 'order-1');
  expect(await problem(join(sale, { accessCode: 'paid' }, 'x'))).toMatchObject({ code: 'forbidden' });
  const late = await claim('ben', 'late');
  g.pass(20);
  expect((await lookUpEntry(g.store, sale, late))?.state).toBe('expired');
  expect(await take(sale, 'cleo', 'late')).toMatchObject({ created: true });
  await leavePlace(g.store, sale, 'cleo');
  expect(await finishAdmission(g.store, sale, late, 'order-2')).toBe('finished');
  expect(await problem(join(sale, { accessCode: 'late' }, 'y'))).toMatchObject({ code: 'forbidden' });
});

test('leaving the lobby to be drawn anew has an end', async () => {
  const sale = await presale({ lobbyOpensAt: g.inSeconds(-1), opensAt: g.inSeconds(600) });
  for (let time = 1; time <= ACCESS_CODE_OPENINGS_PER_USE; time += 1) {
    const { entry } = await take(sale, 'restless', 'night-1');
    await leavePlace(g.store, sale, entry.id);
  }
  await expect(take(sale, 'restless', 'night-1')).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(/too often/),
  });
  expect(await take(sale, 'restless', 'night-2')).toMatchObject({ created: true });
});

test('codes stand in no definition, and a sale whose codes are missing lets nobody in', async () => {
  const sale = await presale();
  expect(await g.redis.hget(saleKey(sale, 'sale'), 'definition')).not.toMatch(/night/);
  for (const key of await g.keysOf(sale)) {
    expect((await g.redis.dump(key))?.toLowerCase()).not.toContain('night-');
  }
  const definition = { ...definitionAt(g.now()), accessCodeUses: 1 };
  await putSale(g.store, definition);
  expect(await problem(join(definition.sale, { accessCode: 'night-1' }))).toMatchObject({
    code: 'forbidden',
  });
});

const request = {
  name: 'x',
  opensAt: '2030-01-01T00:00:00Z',
  capacity: 1,
  admitPerMinute: 1,
};

test.each([
  [{ accessCodes: [] }, 'accessCodes'],
  [{ accessCodes: [''] }, 'accessCodes.0'],
  [{ accessCodes: ['a', ' A '] }, 'accessCodes'],
  [{ accessCodes: ['with blank'] }, 'accessCodes.0'],
  [{ accessCodes: ['x'.repeat(41)] }, 'accessCodes.0'],
  [{ accessCodes: Array.from({ length: 1_001 }, (_, i) => `c${i}`) }, 'accessCodes'],
  [{ accessCodes: ['a'], accessCodeUses: 0 }, 'accessCodeUses'],
  [{ accessCodeUses: 2 }, 'accessCodeUses'],
])('a sale with %j is refused', (wrong, field) => {
  const { success, error } = SaleRequest.safeParse({ ...request, ...wrong });
  expect(success).toBe(false);
  expect(error?.issues[0]?.path.join('.')).toBe(field);
});

test('the longest list of the longest codes, for all of the most sections, fits into a request', () => {
  const accessCodes = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(40, 'C'));
  const sections = Array.from({ length: 200 }, (_, i) => String(i).padStart(20, 'Ü'));
  const body = JSON.stringify({ ...request, name: '€'.repeat(200), accessCodes, sections });
  expect(SaleRequest.safeParse(JSON.parse(body)).success).toBe(true);
  expect(Buffer.byteLength(body)).toBeLessThan(JSON_BODY_BYTES_MAX);
});
