import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { envVariables } from './env.ts';
import { dangersInProduction } from './production.ts';

const random = () => randomBytes(32).toString('base64url');
const safe = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://tickets.somewhere.net',
  TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8, 127.0.0.1, ::1',
  SMTP_URL: 'smtp://mail.somewhere.net',
  MAIL_FROM: 'Tickets <tickets@somewhere.net>',
  TEST_PAYMENTS: 'on',
  QUEUE_TICKET_SECRET: `${random()},${random()}`,
  INTERNAL_SECRET: randomBytes(32).toString('hex'),
  ORGANISER_KEY: random(),
  ORGANISER_KEYS: `nora:${random()},sam:${random()}`,
  RATE_LIMITS: 'joins=500/50000',
};
const every = Object.keys(envVariables);
const twice = random();

test('what is safe is not refused, whatever random secrets there are', () => {
  expect(dangersInProduction(safe, every)).toEqual([]);
  for (let i = 0; i < 2_000; i += 1) {
    for (const secret of [random(), randomBytes(16).toString('hex')])
      expect(dangersInProduction({ ...safe, ORGANISER_KEY: secret }, every)).toEqual([]);
  }
});

test('outside production nothing is refused, and of a service only what it uses', () => {
  expect(dangersInProduction({ NODE_ENV: 'development', DEBUG: '*' }, every)).toEqual([]);
  expect(dangersInProduction({ NODE_ENV: 'production' }, ['DATABASE_URL'])).toEqual([]);
});

test.each([
  ['PUBLIC_URL', { PUBLIC_URL: 'http://tickets.somewhere.net' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: undefined }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '127.0.0.1,0.0.0.0/0' }],
  ['TRUSTED_PROXIES', { TRUSTED_PROXIES: '::/0' }],
  ['RATE_LIMITS', { RATE_LIMITS: ' off ' }],
  ['RATE_LIMITS', { RATE_LIMITS: 'joins=1/2,credentials=off' }],
  ['MAIL_FROM', { MAIL_FROM: 'Admit One <tickets@admit-one.example>' }],
  ['QUEUE_TICKET_SECRET', { QUEUE_TICKET_SECRET: `${random()},${'ab'.repeat(16)}` }],
  ['INTERNAL_SECRET', { INTERNAL_SECRET: 'my-internal-secret-of-2026-is-this-one' }],
  ['ORGANISER_KEYS', { ORGANISER_KEYS: `nora:${'1'.repeat(32)}` }],
  ['INTERNAL_SECRET', { QUEUE_TICKET_SECRET: `${random()},${twice}`, INTERNAL_SECRET: twice }],
  ['ORGANISER_KEYS', { ORGANISER_KEY: twice, ORGANISER_KEYS: `nora:${random()},sam:${twice}` }],
  ['NODE_OPTIONS', { NODE_OPTIONS: '--inspect=0.0.0.0:9229' }],
  ['NODE_OPTIONS', { NODE_OPTIONS: '--tls-keylog=/tmp/keys' }],
  ['DEBUG', { DEBUG: 'ioredis:*' }],
])('%s is told of %j, in one sentence without the value', (name, changes) => {
  const faults = dangersInProduction({ ...safe, ...changes }, every);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(new RegExp(`^${name}: \\S`));
  expect(faults[0]).not.toContain(twice);
});
