import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MARKED_SEATS_PER_EVENT_MAX } from '#shared/contract/event.ts';
import type { SaleChange, SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import {
  SaleDefinition as SaleDefinitionSchema,
  SaleSettings as SaleSettingsSchema,
} from '#shared/contract/sale.ts';
import { internalHeaders } from '#shared/internal.ts';
import { startBooking, type TestBooking } from '../testing/booking.ts';

let booking: TestBooking;

beforeAll(async () => {
  booking = await startBooking();
});

afterAll(() => booking.stop());

const event = {
  name: "Die Ärzte'; drop table seat; -- <b>",
  venue: 'A hall',
  startsAt: '2030-05-01T21:00:00+02:00',
  timeZone: 'Europe/Berlin',
  sections: [
    { name: 'Süd 1', rows: 2, seatsPerRow: 10, price: { amount: 5_000, currency: 'EUR' } },
    { name: 'B', rows: 1, seatsPerRow: 4, price: { amount: 3_000, currency: 'EUR' } },
  ],
};
const sale = { name: 'Presale', opensAt: '2026-12-01T10:00:00Z', capacity: 100, admitPerMinute: 600 };

const post = (path: string, json: unknown) =>
  booking.internal('POST', `/internal${path}`, {
    json,
    headers: { [internalHeaders.organiser]: 'Zo%C3%AB' },
  });
const get = (path: string) => booking.internal('GET', `/internal${path}`);

describe('an event', () => {
  test('is kept as it was described, with all its seats', async () => {
    const made = await post('/events', event);
    expect(made).toMatchObject({
      status: 201,
      body: { ...event, startsAt: '2030-05-01T19:00:00.000Z', seats: 24, layoutVersion: 1 },
    });
    expect((await get(`/events/${made.body.event}`)).body).toEqual(made.body);
    expect((await get('/events')).body.events).toContainEqual(made.body);
    const layout = await get(`/events/${made.body.event}/layout/1`);
    expect(layout.body).toEqual({
      event: made.body.event,
      version: 1,
      sections: [
        { name: 'Süd 1', rows: 2, seatsPerRow: 10 },
        { name: 'B', rows: 1, seatsPerRow: 4 },
      ],
    });
    const { count } = await booking.db.callOne<{ count: number }>(
      (sql) => sql`select count(*)::int as count from seat where event = ${String(made.body.event)}`,
    );
    expect(count).toBe(24);
  });

  test('of a hundred thousand seats is made within a fan’s patience', async () => {
    const sections = [{ name: 'A', rows: 200, seatsPerRow: 500, price: { amount: 1, currency: 'EUR' } }];
    const startedMs = performance.now();
    expect(await post('/events', { ...event, sections })).toMatchObject({
      status: 201,
      body: { seats: 100_000 },
    });
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  });

  const [south, back] = event.sections as [(typeof event.sections)[0], (typeof event.sections)[0]];

  test('keeps its accessible and companion seats, and tells them with its layout', async () => {
    const marked = { ...south, accessible: ['1-1', '2-10'], companions: ['1-2'] };
    const alone = { ...back, accessible: [], companions: ['1-4'] };
    const made = await post('/events', { ...event, sections: [marked, alone] });
    expect(made.status).toBe(201);
    expect(made.body.sections).toEqual([marked, { ...back, companions: ['1-4'] }]);
    expect((await get(`/events/${made.body.event}`)).body).toEqual(made.body);
    expect((await get(`/events/${made.body.event}/layout/1`)).body.sections).toEqual([
      { name: 'Süd 1', rows: 2, seatsPerRow: 10, accessible: ['1-1', '2-10'], companions: ['1-2'] },
      { name: 'B', rows: 1, seatsPerRow: 4, companions: ['1-4'] },
    ]);
  });

  const many = Array.from(
    { length: MARKED_SEATS_PER_EVENT_MAX },
    (_, i) => `${Math.floor(i / 4) + 1}-${(i % 4) + 1}`,
  );
  test.each([
    ['a seat behind the row', { accessible: ['1-1', '1-11'] }, 'sections.0.accessible.1'],
    ['a row behind the section', { companions: ['3-1'] }, 'sections.0.companions.0'],
    ['a seat twice', { accessible: ['1-1', '1-2', '1-1'] }, 'sections.0.accessible.2'],
    ['a seat in both lists', { accessible: ['1-1'], companions: ['1-2', '1-1'] }, 'sections.0.companions.1'],
    ['a seat with its section', { accessible: ['Süd 1-1-1'] }, 'sections.0.accessible.0'],
    ['a seat that is written otherwise', { accessible: ['01-1'] }, 'sections.0.accessible.0'],
    ['too many seats', { accessible: many, rows: 500, companions: ['500-5'] }, 'sections'],
    ['too many in one list', { accessible: [...many, '500-5'], rows: 500 }, 'sections.0.accessible'],
  ])('with %s among these is refused by its field', async (_, over, field) => {
    const answer = await post('/events', { ...event, sections: [{ ...south, ...over }, back] });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-field' } });
    expect((answer.body.errors as { field: string }[]).map((error) => error.field)).toContain(field);
  });

  test('that is not there is not found, nor another layout', async () => {
    const { body } = await post('/events', event);
    const paths = [
      '/events/nothing',
      '/events/%00',
      `/events/${body.event}/layout/2`,
      '/events/nothing/layout/1',
    ];
    expect(await Promise.all(paths.map(async (path) => (await get(path)).status))).toEqual([
      404, 404, 404, 404,
    ]);
    expect((await post('/events/nothing/sales', sale)).status).toBe(404);
  });
});

describe('a sale', () => {
  let of: string;

  beforeEach(async () => {
    of = String((await post('/events', event)).body.event);
  });

  test('begins at version 1 with all sections, and is in the stock at once', async () => {
    const made = await post(`/events/${of}/sales`, sale);
    expect(made.status).toBe(201);
    const definition = SaleDefinitionSchema.parse(made.body);
    expect(definition).toMatchObject({ version: 1, event: of, paused: false, closedAt: null, notice: null });
    expect(definition.sections.map(({ name, seats }) => [name, seats])).toEqual([
      ['Süd 1', 20],
      ['B', 4],
    ]);
    expect((await get(`/sales/${definition.sale}`)).body).toEqual(made.body);
    expect((await get('/sales')).body.sales).toContainEqual(made.body);
    const { sales } = (await get('/stock')).body as { sales: { sale: string }[] };
    expect(sales.find((line) => line.sale === definition.sale)).toMatchObject({ version: 1, open: 24 });
    const { by } = await booking.db.callOne<{ by: string }>(
      (sql) => sql`select created_by as by from sale where id = ${definition.sale}`,
    );
    expect(by).toBe('Zoë');
  });

  test('may sell some sections only, which must be the event’s', async () => {
    const made = await post(`/events/${of}/sales`, { ...sale, sections: ['B'] });
    expect((made.body as SaleDefinition).sections).toHaveLength(1);
    const unknown = await post(`/events/${of}/sales`, { ...sale, sections: ['B', 'Z'] });
    expect(unknown).toMatchObject({
      status: 422,
      body: { code: 'invalid-field', errors: [{ field: 'sections' }] },
    });
  });

  test('that ended long ago is history: still there by name, and not in the lists', async () => {
    const made = await post(`/events/${of}/sales`, {
      ...sale,
      opensAt: '2020-01-01T00:00:00Z',
      closesAt: '2020-01-02T00:00:00Z',
    });
    expect((await get(`/sales/${made.body.sale}`)).status).toBe(200);
    const listed = (await get('/sales')).body.sales as SaleDefinition[];
    expect(listed.map((each) => each.sale)).not.toContain(made.body.sale);
  });
});

describe('changes of a sale', () => {
  let definition: SaleDefinition;

  beforeEach(async () => {
    const { body } = await post('/events', event);
    definition = (await post(`/events/${body.event}/sales`, sale)).body as SaleDefinition;
  });

  const change = (version: number, over: Partial<SaleSettings>): SaleChange => {
    const { sale: _, event: __, sections, createdAt, version: ___, ...settings } = definition;
    const at = '2026-12-01T10:00:00.000Z';
    return { version, at, by: 'ada', action: 'patch', reason: null, settings: { ...settings, ...over } };
  };
  const append = (...changes: SaleChange[]) => post(`/sales/${definition.sale}/changes`, { changes });
  const audit = () =>
    booking.db.call<{ version: number }>(
      (sql) => sql`select version from sale_change where sale = ${definition.sale} order by version`,
    );

  test('take effect here at once, once, however often they arrive', async () => {
    const [two, three] = [change(2, { capacity: 2 }), change(3, { capacity: 3 })];
    expect((await append(two, three)).body).toEqual({ version: 3 });
    expect((await append(two)).body).toEqual({ version: 3 });
    expect((await append(two, three)).body).toEqual({ version: 3 });
    expect((await get(`/sales/${definition.sale}`)).body).toMatchObject({ version: 3, capacity: 3 });
    expect(await audit()).toEqual([{ version: 1 }, { version: 2 }, { version: 3 }]);
    const { sales } = (await get('/stock')).body as { sales: { sale: string; version: number }[] };
    expect(sales.find((line) => line.sale === definition.sale)?.version).toBe(3);
  });

  test.each([
    ['settings', { settings: { capacity: 99 } }],
    ['moment', { at: '2026-12-01T10:00:00.001Z' }],
    ['name', { by: 'eve' }],
    ['action', { action: 'pause' }],
  ] as const)(
    'under the version of one with another %s are not taken for it, nor is what follows them',
    async (_, over) => {
      const [two, three] = [change(2, { capacity: 2 }), change(3, { capacity: 3 })];
      await append(two, three);
      const other = {
        ...three,
        ...over,
        settings: { ...three.settings, ...('settings' in over && over.settings) },
      };
      expect(await append(two, other, change(4, { capacity: 4 }))).toMatchObject({
        status: 409,
        body: { code: 'version-conflict', version: 3, recorded: 2 },
      });
      expect((await get(`/sales/${definition.sale}`)).body).toMatchObject({ version: 3, capacity: 3 });
      expect(await audit()).toHaveLength(3);
    },
  );

  test('that a service of before stored without a newer setting are the same with it', async () => {
    const { beacon: _, ...settings } = SaleSettingsSchema.parse(change(2, { capacity: 2 }).settings);
    const stored = { ...change(2, {}), settings };
    await booking.db.call(
      (sql) => sql`select record_sale_changes(${definition.sale}, ${sql.json([stored])})`,
    );
    expect(await append(change(2, { capacity: 2 }))).toMatchObject({ status: 200, body: { version: 2 } });
  });

  test('that arrive many times at once are one history', async () => {
    const changes = [2, 3, 4, 5].map((version) => change(version, { seatsPerFan: version }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => append(...changes)));
    expect(answers.every((answer) => answer.body.version === 5)).toBe(true);
    expect(await audit()).toHaveLength(5);
    expect((await get(`/sales/${definition.sale}`)).body).toMatchObject({ version: 5, seatsPerFan: 5 });
  });

  test('bind the next hold', async () => {
    await append(change(2, { seatsPerFan: 1 }));
    const fan = await booking.admit(definition.sale);
    expect((await fan.request('POST', '/holds', { json: { seats: ['B-1-1', 'B-1-2'] } })).body.code).toBe(
      'limit-reached',
    );
  });

  test('of a sale that is not there are not found, and nonsense is refused', async () => {
    expect((await post('/sales/nothing/changes', { changes: [] })).status).toBe(404);
    expect((await post(`/sales/${definition.sale}/changes`, { changes: [{ version: 1 }] })).status).toBe(422);
    const many = Array.from({ length: 101 }, (_, index) => change(index + 2, {}));
    expect([413, 422]).toContain((await append(...many)).status);
  });
});
