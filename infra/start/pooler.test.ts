import { expect, test } from 'vitest';
import { readPooler } from './pooler.mjs';

const elsewhere = { DATABASE_URL: 'postgres://shop@db.internal/shop' };

function read(env: Record<string, string>, scaled = true): { isOn: boolean; faults: string[] } {
  const faults: string[] = [];
  return { isOn: readPooler(env, { scaled, faults }), faults };
}

test('a pooler stands before the PostgreSQL that start:scaled brings, if nobody leaves it out', () => {
  expect(read({})).toEqual({ isOn: true, faults: [] });
  expect(read({ POOLER: 'on' })).toEqual({ isOn: true, faults: [] });
  expect(read({ POOLER: 'off' })).toEqual({ isOn: false, faults: [] });
  expect(read(elsewhere)).toEqual({ isOn: false, faults: [] });
  expect(read({}, false)).toEqual({ isOn: false, faults: [] });
});

test('what does not fit together is refused in a sentence', () => {
  expect(read({ POOLER: 'yes' }).faults).toEqual(['POOLER is "yes"; it must be on or off.']);
  expect(read({ ...elsewhere, POOLER: 'on' }).faults).toEqual([
    'POOLER=on is for the PostgreSQL that is started here, and DATABASE_URL names another; leave one of them out.',
  ]);
  expect(read({ POOLER: 'on' }, false).faults).toEqual([
    'POOLER=on is for npm run start:scaled; leave it out.',
  ]);
  for (const scaled of [true, false]) {
    expect(read({ DATABASE_DIRECT_URL: elsewhere.DATABASE_URL }, scaled).faults).toEqual([
      'DATABASE_DIRECT_URL is PostgreSQL itself behind the pooler of DATABASE_URL; set both or none.',
    ]);
  }
});
