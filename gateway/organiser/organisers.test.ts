import { expect, test } from 'vitest';
import { EnvError } from '#shared/env.ts';
import { readOrganisers } from './organisers.ts';

const ada = 'a'.repeat(32);
const ben = 'b'.repeat(40);

test('each key has its holder’s name; a key nobody holds has none', () => {
  const organisers = readOrganisers({
    ORGANISER_KEY: ada,
    ORGANISER_KEYS: ` nora:${ben} , sam:${'c'.repeat(32)},`,
  });
  expect([ada, ben, 'c'.repeat(32)].map(organisers.nameOf)).toEqual(['organiser', 'nora', 'sam']);
  expect([`${ben}x`, '', 'nora', `nora:${ben}`].map(organisers.nameOf)).toEqual([null, null, null, null]);
});

test('an organiser holds two keys while one is changed for the other', () => {
  const organisers = readOrganisers({ ORGANISER_KEYS: `nora:${ada},nora:${ben}` });
  expect([ada, ben].map(organisers.nameOf)).toEqual(['nora', 'nora']);
});

test.each([
  [{}, ['one of them must be set']],
  [{ ORGANISER_KEYS: ' , ' }, ['one of them must be set']],
  [{ ORGANISER_KEYS: ben }, ['pair 1', 'at least 32 characters']],
  [{ ORGANISER_KEYS: `:${ben}` }, ['pair 1', 'before the colon']],
  [{ ORGANISER_KEYS: 'nora:short' }, ['pair 1', 'at least 32 characters']],
  [
    { ORGANISER_KEYS: `nora:${ada},nora:${ben},nora:${'c'.repeat(32)}` },
    ['pair 3', 'the name nora has its two keys from ORGANISER_KEYS, pair 1 and ORGANISER_KEYS, pair 2'],
  ],
  [{ ORGANISER_KEYS: `nora:${ada},sam:${ada}` }, ['pair 2', 'the same as that of ORGANISER_KEYS, pair 1']],
  [
    { ORGANISER_KEYS: `organiser:${ben},organiser:${'c'.repeat(32)}`, ORGANISER_KEY: ada },
    ['ORGANISER_KEY:', 'the name organiser has its two keys'],
  ],
  [{ ORGANISER_KEYS: `nora:${ada}`, ORGANISER_KEY: ada }, ['ORGANISER_KEY:', 'the same as that of']],
  [{ ORGANISER_KEYS: `nora:${ada} ${ben}` }, ['pair 1', 'letters, digits']],
  [{ ORGANISER_KEYS: `nora:${'ü'.repeat(32)}` }, ['pair 1', 'letters, digits']],
  [{ ORGANISER_KEYS: `a:short,:${ben}` }, ['pair 1', 'pair 2']],
])('%j is refused in words that give no key away', (env, words) => {
  let message = '';
  try {
    readOrganisers(env);
  } catch (error) {
    expect(error).toBeInstanceOf(EnvError);
    message = (error as Error).message;
  }
  for (const word of words) expect(message).toContain(word);
  for (const key of [ada, ben]) expect(message).not.toContain(key);
});
