import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import { type Beacon, BeaconValue } from '#shared/contract/sale.ts';

const FETCH_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** Addresses that are not of the public Internet (RFC 6890), IPv4 ones in IPv6 included: an organiser's setting must not reach into the network. */
const notPublic = new BlockList();
for (const subnet of [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16',
  '198.18.0.0/15 224.0.0.0/4 240.0.0.0/4 ::/127 64:ff9b::/96 fc00::/7 fe80::/10 ff00::/8',
].flatMap((line) => line.split(' '))) {
  const [address = '', prefix] = subnet.split('/');
  notPublic.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4');
}

export const isPublicAddress = (address: string): boolean =>
  !notPublic.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

const refusal = (host: string) => new Error(`${host} is not an address of the public Internet`);

/** Connects to public addresses only; judged by the address that is connected to, whatever the name says next time. */
const publicOnly = new Agent({
  connect: {
    timeout: FETCH_MS_MAX,
    lookup: (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        const addresses = found as LookupAddress[];
        if (error) return callback(error, '', 0);
        if (!addresses.every(({ address }) => isPublicAddress(address)))
          return callback(refusal(hostname), '', 0);
        if (options.all) return callback(null, addresses);
        return callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      });
    },
  },
});

/**
 * The beacon's value from where it is published: one request, no redirects, 5 s and 64 KiB at most. Throws when there is
 * none yet, or what is there cannot be it.
 */
export async function fetchBeacon(
  { url, field }: Beacon,
  dispatcher: Dispatcher = publicOnly,
): Promise<string> {
  if (url === null || field === null) throw new Error('this beacon is not fetched');
  const { hostname } = new URL(url);
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) throw refusal(hostname);
  const { statusCode, body } = await request(url, {
    dispatcher,
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(FETCH_MS_MAX),
  });
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > ANSWER_BYTES_MAX)
      throw new Error(`the beacon's answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  if (statusCode !== 200) throw new Error(`the beacon's source answered ${statusCode}`);
  return valueAt(JSON.parse(Buffer.concat(pieces).toString('utf8')), field);
}

/** A text as it stands there, or a whole number as its digits; nothing else has one spelling only. */
export function valueAt(answer: unknown, field: string): string {
  let found = answer;
  for (const name of field.split('.')) {
    const isThere = typeof found === 'object' && found !== null && Object.hasOwn(found, name);
    found = isThere ? (found as Record<string, unknown>)[name] : undefined;
  }
  const text = Number.isSafeInteger(found) ? String(found) : found;
  const value = BeaconValue.safeParse(text);
  if (!value.success) throw new Error(`the beacon's answer has no value at ${field}`);
  return value.data;
}
