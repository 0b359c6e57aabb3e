import { expect, test } from 'vitest';
import { EnvError } from '#shared/env.ts';
import { Problem } from '#shared/problem.ts';
import { limitAddresses } from './limits.ts';

const place = { created: true };
const made = async () => place;
const from = (
  address: string | null,
  rest: { accessCode?: string; isNew?: boolean; sale?: string } = {},
) => ({
  address,
  sale: 'sale',
  isNew: true,
  accessCode: null,
  ...rest,
});

test('new places are limited by address; who has one, and who is not known, are not', async () => {
  let nowMs = 0;
  const limits = limitAddresses('joins=10/3', () => nowMs);
  for (let i = 0; i < 3; i += 1) expect(await limits.join(from('a'), made)).toBe(place);
  await expect(limits.join(from('a'), made)).rejects.toMatchObject({
    code: 'rate-limited',
    retryAfterSeconds: 1,
  });
  expect(await limits.join(from('a', { isNew: false }), made)).toBe(place);
  expect(await limits.join(from('b'), made)).toBe(place);
  for (let i = 0; i < 100; i += 1) expect(await limits.join(from(null), made)).toBe(place);
  nowMs += 100;
  expect(await limits.join(from('a'), made)).toBe(place);
});

test('a crowd of thousands behind one address joins in a minute and mistypes codes without being felt', async () => {
  let nowMs = 0;
  const limits = limitAddresses('', () => nowMs);
  const wrong = () => Promise.reject(new Problem('forbidden', 'This access code is not valid.'));
  for (let fan = 0; fan < 6_000; fan += 1) {
    nowMs += 10;
    const typo = fan % 25 === 0;
    const joined = limits.join(from('university', { accessCode: 'x' }), typo ? wrong : made);
    await (typo ? expect(joined).rejects.toMatchObject({ code: 'forbidden' }) : joined);
  }
});

test('who has guessed too often does not learn whether a guess is right; other sales and addresses do', async () => {
  const limits = limitAddresses('codes=1/5', () => 0);
  const guess = (address: string, outcome: () => Promise<typeof place>, sale = 'sale') =>
    limits.join(from(address, { accessCode: 'x', sale }), outcome);
  const wrong = () => Promise.reject(new Problem('forbidden', 'This access code is not valid.'));
  for (let i = 0; i < 5; i += 1) await expect(guess('a', wrong)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(guess('a', made)).rejects.toMatchObject({ code: 'rate-limited' });
  expect(await guess('a', made, 'other')).toBe(place);
  expect(await guess('b', made)).toBe(place);
  // Right codes, failures of ours and joins without a code count nothing.
  for (let i = 0; i < 20; i += 1) {
    await guess('b', made);
    await expect(guess('b', () => Promise.reject(new Problem('unavailable', 'x')))).rejects.toThrow();
    await expect(limits.join(from('b'), wrong)).rejects.toMatchObject({ code: 'forbidden' });
  }
  expect(await guess('b', made)).toBe(place);
});

test('guesses that are under way at the same moment count as well: whoever comes beyond waits for what becomes of them', async () => {
  const limits = limitAddresses('codes=1/5', () => 0);
  const answers: (() => void)[] = [];
  const wrong = () =>
    new Promise<never>((_, reject) => answers.push(() => reject(new Problem('forbidden', 'x'))));
  const guess = (outcome: () => Promise<typeof place>) =>
    limits.join(from('a', { accessCode: 'x', isNew: false }), outcome).catch(({ code }) => code);
  const underWay = Array.from({ length: 5 }, () => guess(wrong));
  const beyond = guess(made);
  await expect.poll(() => answers.length).toBe(5);
  for (const answer of answers) answer();
  expect(await Promise.all(underWay)).toEqual(Array(5).fill('forbidden'));
  expect(await beyond).toBe('rate-limited');
});

test('a crowd with right codes behind one address, all at once, gets in', async () => {
  const limits = limitAddresses('', () => 0);
  let tried = 0;
  const right = async () => {
    tried += 1;
    await new Promise(setImmediate);
    return place;
  };
  const joins = Array.from({ length: 2_000 }, () => limits.join(from('campus', { accessCode: 'x' }), right));
  expect(await Promise.all(joins)).toEqual(Array(2_000).fill(place));
  expect(tried).toBe(2_000);
});

test('whoever is refused a place, or has one, has not used up what may come from their address', async () => {
  const limits = limitAddresses('joins=1/3', () => 0);
  const early = () => Promise.reject(new Problem('not-open', 'Nobody can join yet.'));
  for (let i = 0; i < 20; i += 1) {
    await expect(limits.join(from('a'), early)).rejects.toMatchObject({ code: 'not-open' });
    await limits.join(from('a'), async () => ({ created: false }));
  }
  for (let i = 0; i < 3; i += 1) expect(await limits.join(from('a'), made)).toBe(place);
  await expect(limits.join(from('a'), made)).rejects.toMatchObject({ code: 'rate-limited' });
});

test('wrong credentials are limited; other problems stay what they are', () => {
  const limits = limitAddresses('credentials=1/2', () => 0);
  const wrong = new Problem('token-invalid', 'x');
  expect([1, 2, 3].map(() => limits.failed('a', wrong).code)).toEqual([
    'token-invalid',
    'token-invalid',
    'rate-limited',
  ]);
  expect(limits.failed('a', new Problem('not-found', 'x')).code).toBe('not-found');
  expect(limits.failed(null, wrong).code).toBe('token-invalid');
});

test('one place and one admission are counted by themselves, wherever they come from, and not for each other', () => {
  let nowMs = 0;
  const limits = limitAddresses('claims=1/3,requests=10/2', () => nowMs);
  for (let i = 0; i < 3; i += 1) limits.count('claims', 'one');
  const refused = expect.objectContaining({ code: 'rate-limited', retryAfterSeconds: 1 });
  expect(() => limits.count('claims', 'one')).toThrow(refused);
  limits.count('claims', 'another');
  for (let i = 0; i < 2; i += 1) limits.count('requests', 'one');
  expect(() => limits.count('requests', 'one')).toThrow(refused);
  nowMs = 100;
  limits.count('requests', 'one');
  expect(() => limits.count('requests', 'one')).toThrow(refused);
});

test('off is off, for all or for one', async () => {
  for (const settings of ['off', 'joins=off']) {
    const limits = limitAddresses(settings, () => 0);
    for (let i = 0; i < 6_000 && settings === 'off'; i += 1) limits.count('requests', 'one');
    for (let i = 0; i < 6_000; i += 1) await limits.join(from('a'), made);
  }
});

test.each(['on', 'joins', 'joins=1', 'joins=0/5', 'joins=5/0', 'polls=1/1', 'toString=1/1', 'joins=1/1/1'])(
  'RATE_LIMITS=%s is refused at the start',
  (settings) => {
    expect(() => limitAddresses(settings)).toThrow(EnvError);
  },
);
