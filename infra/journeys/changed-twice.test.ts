import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  OrganiserSaleAnswer,
  type SaleChange,
  type SaleDefinition,
  SaleSettings,
} from '#shared/contract/sale.ts';
import { type RunningServer, serve } from '#shared/serve.ts';
import { createApp } from '../../booking-service/app.ts';
import { startBooking, type TestBooking } from '../../booking-service/testing/booking.ts';
import { bookingCatalogue } from '../../gateway/booking/catalogue.ts';
import { connectBooking } from '../../gateway/booking/client.ts';
import { freezeLobby } from '../../gateway/lobby/freeze.ts';
import { publishDraws } from '../../gateway/lobby/published.ts';
import { takePlace } from '../../gateway/queue/place.ts';
import { saleKey } from '../../gateway/redis/keys.ts';
import { changeSale, putSale, unsavedChanges } from '../../gateway/sale/live-sale.ts';
import { keepSalesInStep } from '../../gateway/sale/sync.ts';
import {
  type GatewayFixture,
  gatewayFixture,
  internalSecret,
} from '../../gateway/testing/gateway-fixture.ts';
import { entryOf, silentLog } from '../../gateway/testing/queue-fixture.ts';

/** So many seconds until the sale opens, and until its beacon is known. */
const [OPENS_IN, BEACON_IN] = [60, 120];

let booking: TestBooking;
let server: RunningServer;
let g: GatewayFixture;
let definition: SaleDefinition;
let sale: string;

/** A sale with a lobby, durable and live at version 1; nobody compares the two unless told to. */
beforeEach(async () => {
  booking = await startBooking();
  const { app } = createApp({ ...booking.dependencies, internalSecret });
  server = await serve(app, { host: '127.0.0.1', port: 0 });
  g = await gatewayFixture(`http://127.0.0.1:${server.port}`);
  await g.shop.sync.stop();
  const { event } = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 9, amount: 5_000 }]);
  const beacon = { name: 'lotto', rule: 'as printed', from: g.inSeconds(BEACON_IN) };
  const times = { opensAt: g.inSeconds(OPENS_IN), lobbyOpensAt: g.inSeconds(-60) };
  definition = await booking.makeSale(event, { ...times, beacon, capacity: 100 });
  sale = definition.sale;
  await putSale(g.store, definition);
});

afterEach(async () => {
  await g.close();
  await server.close();
  await booking.stop();
});

const change = (version: number, action: SaleChange['action'], over: Partial<SaleSettings>): SaleChange => ({
  ...{ version, at: g.inSeconds(0), by: 'ada', action, reason: null },
  settings: { ...SaleSettings.parse(definition), ...over },
});

/** Changes that were made and recorded before Redis lost its last seconds: it says version 1 once more. */
const recordLost = (...changes: SaleChange[]) =>
  booking.internal('POST', `/internal/sales/${sale}/changes`, { json: { changes } });

/** A change that acts in Redis, and that nobody has tried to record yet. */
async function act(lost: SaleChange): Promise<void> {
  const before = SaleSettings.parse(definition);
  const live = { ...definition, ...lost.settings, version: lost.version };
  await changeSale(g.store, live, { ...lost, before }, { reopens: false });
}

const command = async (path: string, body: object): Promise<OrganiserSaleAnswer> => {
  const answer = await g.organise(path === '' ? 'PATCH' : 'POST', `/sales/${sale}${path}`, body);
  expect(answer.status).toBe(200);
  return OrganiserSaleAnswer.parse(await answer.json());
};

const durable = async () => (await booking.internal('GET', `/internal/sales/${sale}`)).body;
const live = async () => (await g.queue.watch.renew(sale)).definition;
const history = () =>
  booking.db.call<{ version: number; action: string }>(
    (sql) => sql`select version, action from sale_change where sale = ${sale} order by version`,
  );

async function untilBeaconIsAwaited(): Promise<void> {
  for (const fan of ['eve', 'bob', 'cleo'])
    await takePlace(g.store, sale, { ticketEntry: null, keyEntry: entryOf(fan) });
  g.pass(OPENS_IN);
  await freezeLobby(g.store, sale);
  await g.draw(sale);
  g.pass(BEACON_IN);
}

const draw = async () => {
  const { body } = await publishDraws(g.store).answer(sale);
  return JSON.parse(Buffer.from(body).toString());
};

test('a beacon that has the version of a lost change decides a draw only once it is recorded itself', async () => {
  await untilBeaconIsAwaited();
  await recordLost(change(2, 'pause', { paused: true }));
  const given = await command('/draw/beacon', { value: '17' });
  expect(given).toMatchObject({ version: 3, durable: true, paused: true, beaconGiven: { value: '17' } });
  expect(await durable()).toMatchObject({ version: 3, paused: true, beaconGiven: { value: '17' } });
  expect(await history()).toMatchObject([
    { action: 'makeSale' },
    { version: 2, action: 'pause' },
    { version: 3, action: 'giveBeacon' },
  ]);
  await g.draw(sale);
  expect(await draw()).toMatchObject({ state: 'drawn', beacon: '17' });
});

test('of two beacons the one that is recorded decides the draw, whatever Redis was told after its loss', async () => {
  await untilBeaconIsAwaited();
  const at = g.inSeconds(0);
  await recordLost(change(2, 'giveBeacon', { beaconGiven: { value: '17', at } }));
  await command('/draw/beacon', { value: '18' });
  await g.draw(sale);
  expect(await draw()).toMatchObject({ state: 'drawn', beacon: '17' });
  expect(await durable()).toMatchObject({ beaconGiven: { value: '17' } });
  expect(await live()).toMatchObject({ beaconGiven: { value: '17' } });
});

test('what organisers changed after a loss becomes durable together with what was lost, nothing of either undone', async () => {
  await recordLost(
    change(2, 'pause', { paused: true }),
    change(3, 'patch', { paused: true, seatsPerFan: 2 }),
  );
  await act(change(2, 'patch', { capacity: 7 }));
  await act(change(3, 'patch', { capacity: 8 }));
  const said = await command('', { version: 3, holdSeconds: 77 });
  const all = { paused: true, seatsPerFan: 2, capacity: 8, holdSeconds: 77 };
  expect(said).toMatchObject({ ...all, durable: true });
  expect(await durable()).toMatchObject({ ...all, version: said.version });
  expect(await live()).toMatchObject({ ...all, version: said.version });
  const actions = (await history()).map(({ action }) => action);
  expect(actions).toEqual(['makeSale', 'pause', 'patch', 'patch', 'patch', 'patch']);
});

/** Until it is true, with what every gateway does twice a second. */
async function whileInStep(check: () => Promise<void>): Promise<void> {
  await live();
  const client = connectBooking(`http://127.0.0.1:${server.port}`, internalSecret);
  const sync = keepSalesInStep(g.store, g.shop.watch, bookingCatalogue(client), silentLog);
  try {
    await vi.waitFor(check, { timeout: 10_000 });
  } finally {
    await sync.stop();
    await client.close();
  }
}

test('a change after a loss of several is not covered by them when the sale is put right', async () => {
  await act(change(2, 'patch', { capacity: 7 }));
  await recordLost(
    change(2, 'pause', { paused: true }),
    change(3, 'patch', { paused: true, seatsPerFan: 2 }),
  );
  const all = { paused: true, seatsPerFan: 2, capacity: 7 };
  await whileInStep(async () => {
    expect(await durable()).toMatchObject(all);
    expect(await unsavedChanges(g.store, sale)).toEqual([]);
  });
  expect(await live()).toMatchObject({ ...all, version: 4 });
});

test('what is in effect becomes durable again when PostgreSQL does not know any more that it was recorded', async () => {
  await act(change(2, 'patch', { capacity: 7 }));
  await g.store.redis.del(saleKey(sale, 'unsaved'));
  await whileInStep(async () => {
    expect(await durable()).toMatchObject({ version: 3, capacity: 7 });
    expect(await unsavedChanges(g.store, sale)).toEqual([]);
  });
  expect(await live()).toMatchObject({ version: 3, capacity: 7 });
  expect((await history()).map(({ action }) => action)).toEqual(['makeSale', 'patch']);
});
