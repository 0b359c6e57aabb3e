import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { EnvError } from '#shared/env.ts';
import { clientAddresses } from './client-address.ts';

const from = (trusted: string, peer: string | undefined, forwarded?: string) =>
  clientAddresses(trusted)({
    socket: { remoteAddress: peer } as IncomingMessage['socket'],
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

test.each([
  // Nobody is trusted unless named: the header says nothing.
  ['', '198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['10.0.0.0/8', '198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['10.0.0.0/8', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['10.0.0.0/8', '::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
  // From the right, past trusted ones only: what the fan wrote stands on the left of what a proxy wrote.
  ['10.0.0.0/8', '10.1.2.3', '192.0.2.1, 203.0.113.9', '203.0.113.9'],
  ['10.0.0.0/8', '10.1.2.3', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
  ['10.0.0.0/8', '10.1.2.3', '203.0.113.9, 10.4.5.6', '203.0.113.9'],
  ['10.0.0.0/8,192.0.2.1', '10.1.2.3', '203.0.113.9, 192.0.2.1,10.4.5.6', '203.0.113.9'],
  // What is no address is not guessed at: the proxy that passed it on is who is known.
  ['10.0.0.0/8', '10.1.2.3', 'unknown', '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3', '', '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3', '203.0.113.9,', '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3', '203.0.113.9, 999.1.1.1, 10.4.5.6', '10.4.5.6'],
  ['10.0.0.0/8', '10.1.2.3', "1' or '1'='1", '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3', undefined, '10.1.2.3'],
  ['10.0.0.0/8', '10.1.2.3', '203.0.113.9:4711', '203.0.113.9'],
  ['10.0.0.0/8', '10.1.2.3', '[2001:db8:1:2:3::4]:4711', '2001:db8:1:2::/64'],
  // IPv6 by /64, in one spelling.
  ['', '2001:db8:1:2:aaaa:bbbb:cccc:dddd', undefined, '2001:db8:1:2::/64'],
  ['', '2001:0DB8:0001:0002::1', undefined, '2001:db8:1:2::/64'],
  ['', '2001:db8::1', undefined, '2001:db8:0:0::/64'],
  ['', 'fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
  ['', '64:ff9b::192.0.2.1', undefined, '64:ff9b:0:0::/64'],
  ['2001:db8::/32', '2001:db8::1', '203.0.113.9', '203.0.113.9'],
  // This very machine.
  ['', '127.0.0.1', '203.0.113.9', null],
  ['', '::1', undefined, null],
  ['127.0.0.1', '127.0.0.1', '127.0.0.1', null],
  // Whoever has reset the connection does not go unlimited by that, and no header speaks for them.
  ['', undefined, undefined, 'gone'],
  ['127.0.0.1', undefined, '203.0.113.9', 'gone'],
])('trusting %j, %j forwarding %j is %j', (trusted, peer, forwarded, address) => {
  expect(from(trusted, peer, forwarded)).toBe(address);
});

test('a header of trusted addresses without end is walked a few steps only', () => {
  const header = Array.from({ length: 2_000 }, () => '10.0.0.1').join(',');
  expect(from('10.0.0.0/8', '10.1.2.3', `203.0.113.9,${header}`)).toBe('10.0.0.1');
});

test.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8', '10.0.0', '::1/129', '10.0.0.0/x'])(
  'TRUSTED_PROXIES=%s is refused at the start',
  (trusted) => {
    expect(() => clientAddresses(`127.0.0.1, ${trusted}`)).toThrow(EnvError);
    expect(() => clientAddresses(`127.0.0.1, ${trusted}`)).toThrow(trusted);
  },
);
