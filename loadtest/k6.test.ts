import { expect, test } from 'vitest';
import { garbageSettings } from './k6.ts';

test('k6 is never left without a limit and without collections by what we add', () => {
  const bytes = expect.stringMatching(/^\d{8,}$/);
  expect(garbageSettings({})).toEqual({ GOGC: 'off', GOMEMLIMIT: bytes });
  expect(garbageSettings({ GOGC: '', GOMEMLIMIT: '' })).toEqual({ GOGC: 'off', GOMEMLIMIT: bytes });
  expect(garbageSettings({ GOGC: '100' })).toEqual({ GOGC: '100', GOMEMLIMIT: bytes });
  expect(garbageSettings({ GOMEMLIMIT: '2GiB' })).toEqual({ GOGC: 'off', GOMEMLIMIT: '2GiB' });
  expect(garbageSettings({ GOMEMLIMIT: 'off' })).toEqual({});
});
