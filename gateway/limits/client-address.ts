import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';
import { EnvError } from '#shared/env.ts';

/** Whoever is behind more proxies of ours than this is known by the last of them. */
const HOPS_MAX = 10;
const IPV6_GROUPS = 8;
/** Everybody with an IPv6 connection has at least this network to themselves (RFC 6177). */
const IPV6_NETWORK_GROUPS = 4;
/** Peers whose trust is remembered: behind a proxy they are few. */
const PEERS_MAX = 1_000;

/** Of connections that were reset before anybody asked where they come from: the system tells no more. They share their limits. */
const GONE = 'gone';

/**
 * Who a request comes from, for limits: an IPv4 address, or the /64 of an IPv6 one; GONE where nobody can say. Null for a
 * connection of this very machine that no trusted proxy speaks for: a tool, a test, or a proxy that nobody named.
 */
export type ClientAddress = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string | null;

/**
 * The address is the connection's own. Only where that is one of `trusted` (`10.0.0.0/8,::1`) X-Forwarded-For is
 * believed, from the right, as far as trusted proxies wrote it; what is no address there counts for nothing, and the proxy
 * that passed it on is taken. Throws one EnvError that tells every fault.
 */
export function clientAddresses(trusted: string): ClientAddress {
  const isTrusted = trustOf(trusted);

  return ({ socket, headers }) => {
    const peer = plainAddress(socket.remoteAddress ?? '');
    if (peer === null) return GONE;
    let address = peer;
    const forwarded = headers['x-forwarded-for'];
    if (isTrusted(peer) && typeof forwarded === 'string') {
      const hops = forwarded.split(',').slice(-HOPS_MAX);
      for (let hop = hops.pop(); hop !== undefined && isTrusted(address); hop = hops.pop()) {
        const next = plainAddress(withoutPort(hop.trim()));
        if (next === null) break;
        address = next;
      }
    }
    return isLoopback(address) ? null : networkOf(address);
  };
}

/** Whether a request comes over one of these addresses or networks. */
export function trustedProxies(trusted: string): (request: Pick<IncomingMessage, 'socket'>) => boolean {
  const isTrusted = trustOf(trusted);
  return ({ socket }) => {
    const peer = plainAddress(socket.remoteAddress ?? '');
    return peer !== null && isTrusted(peer);
  };
}

function trustOf(proxies: string): (address: string) => boolean {
  const trusted = readNetworks(proxies);
  // A look into the list costs 4 µs, a sixteenth of a whole join.
  const known = new Map<string, boolean>();
  return (address) => {
    const remembered = known.get(address);
    if (remembered !== undefined) return remembered;
    const isNamed = trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
    if (known.size >= PEERS_MAX) known.clear();
    known.set(address, isNamed);
    return isNamed;
  };
}

function readNetworks(text: string): BlockList {
  const networks = new BlockList();
  const faults: string[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [address = '', bits, ...rest] = part.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (family === 0 || rest.length > 0 || prefix < 0 || prefix > most) faults.push(part);
    else networks.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  if (faults.length > 0)
    throw new EnvError([`TRUSTED_PROXIES: not an address or network: ${faults.join(', ')}`]);
  return networks;
}

/** An address as it is compared: IPv4 also where it comes in IPv6's clothes (RFC 4291 §2.5.5.2); null for anything else. */
function plainAddress(text: string): string | null {
  const address = text.split('%', 1)[0] as string;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIP(address) === 0 ? null : address.toLowerCase();
}

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text)?.[1] ?? text;

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

function networkOf(address: string): string {
  if (isIPv4(address)) return address;
  const [before = '', after] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  // An IPv4 tail stands for two groups; which ones makes no difference to the first four.
  const tailGroups = tail.length + (tail.at(-1)?.includes('.') ? 1 : 0);
  const zeros = Array<string>(Math.max(0, IPV6_GROUPS - head.length - tailGroups)).fill('0');
  const groups = after === undefined ? head : [...head, ...zeros, ...tail];
  const network = groups.slice(0, IPV6_NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${network.join(':')}::/64`;
}
