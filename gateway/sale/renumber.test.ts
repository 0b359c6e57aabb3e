import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SaleSettings } from '#shared/contract/sale.ts';
import {
  beaconIn,
  giveBeacon,
  LOBBY_SECONDS,
  lobbySale,
  openLobby,
  publishedDraw,
} from '../testing/lost-lobby.ts';
import { definitionAt, type QueueFixture, queueFixture } from '../testing/queue-fixture.ts';
import { markSaved, type UnsavedChange, unsavedChanges } from './live-sale.ts';
import { madeFrom } from './renumber.ts';

const base = SaleSettings.parse(definitionAt(Date.parse('2026-06-01T10:00:00.000Z')));
const change = (over: Partial<SaleSettings>, before: SaleSettings | null = base): UnsavedChange => ({
  ...{ version: 2, at: '2026-06-01T10:00:00.000Z', by: 'ada', action: 'patch', reason: null },
  ...{ settings: { ...base, ...before, ...over }, before },
});

describe('a change on top of settings that it was not made from', () => {
  test('changes what it changed, and nothing else', () => {
    const [made] = madeFrom({ ...base, paused: true }, [change({ capacity: 7 })], 5);
    expect(made).toMatchObject({ version: 6, before: { paused: true, capacity: base.capacity } });
    expect(made?.settings).toEqual({ ...base, paused: true, capacity: 7 });
  });

  test('comes after the one before it', () => {
    const first = change({ capacity: 7 });
    const second = change({ capacity: 8, seatsPerFan: 1 }, first.settings);
    const made = madeFrom({ ...base, paused: true }, [first, second], 9);
    expect(made.map(({ version, settings }) => [version, settings.capacity])).toEqual([
      [10, 7],
      [11, 8],
    ]);
    expect(made[1]).toMatchObject({ before: made[0]?.settings, settings: { seatsPerFan: 1, paused: true } });
  });

  test('opens no closed sale again and gives no second beacon', () => {
    const at = '2026-06-01T09:00:00.000Z';
    const later = '2026-06-01T10:00:00.000Z';
    const over = { ...base, closedAt: at, beaconGiven: { value: '17', at } };
    const late = change({ closedAt: later, beaconGiven: { value: '18', at: later } });
    expect(madeFrom(over, [late], 2)[0]?.settings).toEqual(over);
  });

  test('moves no time to where it contradicts another', () => {
    const closing = { ...base, closesAt: '2026-06-01T12:00:00.000Z' };
    const opening = change({ opensAt: '2026-06-01T13:00:00.000Z', capacity: 7 });
    expect(madeFrom(closing, [opening], 2)[0]?.settings).toEqual({ ...closing, capacity: 7 });
  });
});

describe('what is recorded', () => {
  let f: QueueFixture;
  beforeAll(async () => {
    f = await queueFixture();
  });
  afterAll(() => f.close());

  test('under the version of a beacon and is another change lets no draw go on', async () => {
    const beacon = beaconIn(f, LOBBY_SECONDS + 65);
    const { sale, definition, gateway } = await lobbySale(f, 6, { beacon });
    try {
      await openLobby(f, sale);
      await f.draw(sale);
      f.pass(66);
      await giveBeacon(f, definition, { value: '17' }, { isDurable: false });
      const [given] = await unsavedChanges(f.store, sale);
      expect(await markSaved(f.store, sale, [{ ...(given as UnsavedChange), action: 'pause' }])).toBe(1);
      await f.draw(sale);
      expect((await publishedDraw(f, sale)).state).toBe('awaitingBeacon');
      expect(await markSaved(f.store, sale, [given as UnsavedChange])).toBe(0);
      await f.draw(sale);
      expect(await publishedDraw(f, sale)).toMatchObject({ state: 'drawn', beacon: '17' });
    } finally {
      await gateway.stop();
    }
  });
});
