import { connect, type Socket } from 'node:net';
import { newSecrets } from '../../local/secrets.mjs';
import type { ServiceName, Services } from '../../testing/services.ts';
import { type Fault, orUndone, TURN_PAUSE_MS_MAX } from '../fault.ts';
import type { ChaosShop } from '../shop.ts';

/** Which of a shop's services it is about. */
type Among = (shop: ChaosShop) => ServiceName[];
const gateways: Among = (shop) => shop.gateways;
const bookings: Among = (shop) => shop.bookings;
const worker: Among = () => ['worker'];
const FILE_HANDLES_MAX = 256;
const HEAP_MB_MAX = 128;
/** More than it may have. */
const IDLE_SOCKETS = 300;
/** Everybody has fetched the new public key by then. */
const PUBLISHED_MS = 2_000;
const KEYS_KEPT = 6;

const killed = (name: string, among: Among, count: 'one' | 'all'): Fault => ({
  name,
  of: 'services',
  lastsMs: { short: 1_000, long: 5_000 },
  inject: async (injecting) => {
    const { services, random } = injecting;
    const all = among(injecting);
    const those = count === 'all' ? all : [random.pick(all)];
    await Promise.all(those.map((each) => services.kill(each)));
    return () => Promise.all(those.map((each) => services.restart(each)));
  },
  ...(count === 'one' || among !== gateways ? { turnPauseMsMax: TURN_PAUSE_MS_MAX } : {}),
});

const frozen = (name: string, among: Among, long: number): Fault => ({
  name,
  of: 'services',
  lastsMs: { short: 3_000, long },
  inject: async (injecting) => {
    const { services, random } = injecting;
    const one = random.pick(among(injecting));
    services.freeze(one);
    return async () => services.thaw(one);
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
});

/** Each is asked to end and starts again, one after another, as a new version is put in. */
const rolling: Fault = {
  name: 'rolling restart',
  of: 'services',
  lastsMs: { short: 0, long: 0 },
  isLong: true,
  inject: async ({ services }) => {
    for (const name of services.names) await services.restart(name);
    return async () => undefined;
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
};

/** The keys of a shop in which they have been rotated. */
const rotated = new WeakMap<Services, object[]>();

/** First every gateway publishes the new key, then it signs; the old one stays as long as tokens of it live. */
const keysRotated: Fault = {
  name: 'signing keys rotated',
  of: 'services',
  lastsMs: { short: 0, long: 0 },
  isLong: true,
  inject: async ({ services, gateways }) => {
    const known = rotated.get(services) ?? (JSON.parse(services.signingKeys) as object[]);
    const [fresh = {}] = JSON.parse(newSecrets().SIGNING_KEYS) as object[];
    const restartAll = async (keys: object[]) => {
      for (const name of gateways)
        await services.restart(name, { env: { SIGNING_KEYS: JSON.stringify(keys) } });
    };
    await restartAll([...known, fresh]);
    await new Promise((resolve) => setTimeout(resolve, PUBLISHED_MS));
    const now = [fresh, ...known].slice(0, KEYS_KEPT);
    rotated.set(services, now);
    await restartAll(now);
    return async () => undefined;
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
};

const narrow = (what: string, among: Among, urlsOf: (services: Services) => string[]): Fault => ({
  name: `${what} with 256 file handles and 128 MB, and 300 idle connections`,
  of: 'services',
  lastsMs: { short: 3_000, long: 10_000 },
  isLong: true,
  leftOut: process.platform === 'linux' ? null : 'prlimit is Linux only',
  inject: async (injecting) => {
    const { services, random } = injecting;
    const all = among(injecting);
    const index = random.between(0, all.length - 1);
    const name = all[index] as ServiceName;
    const { hostname, port } = new URL(String(urlsOf(services)[index]));
    const idle: Socket[] = [];
    const widen = async () => {
      for (const socket of idle) socket.destroy();
      await services.restart(name);
    };
    return orUndone(widen, async () => {
      await services.restart(name, { fileHandlesMax: FILE_HANDLES_MAX, heapMbMax: HEAP_MB_MAX });
      for (let i = 0; i < IDLE_SOCKETS; i += 1)
        idle.push(connect(Number(port), hostname).on('error', () => undefined));
    });
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
});

const workerAfterMail: Fault = {
  name: 'the worker killed when the mail server has accepted',
  of: 'services',
  lastsMs: { short: 500, long: 1_000 },
  inject: async ({ services, mail }) => {
    const noMail = new Promise((resolve) => setTimeout(resolve, 5_000));
    await Promise.race([mail.nextAccepted(), noMail]);
    await services.kill('worker');
    return () => services.restart('worker');
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
};

const mailServer = (how: 'refuses' | 'stalls', long: number): Fault => ({
  name: `the mail server ${how}`,
  of: 'services',
  lastsMs: { short: 2_000, long },
  inject: async ({ mail }) => {
    mail.behave(how);
    return async () => mail.behave('accepts');
  },
  turnPauseMsMax: TURN_PAUSE_MS_MAX,
});

export const serviceFaults: Fault[] = [
  killed('a gateway killed', gateways, 'one'),
  killed('all gateways killed', gateways, 'all'),
  killed('a booking service killed', bookings, 'one'),
  killed('all booking services killed', bookings, 'all'),
  killed('the worker killed', worker, 'all'),
  frozen('a gateway stopped', gateways, 30_000),
  frozen('a booking service stopped', bookings, 12_000),
  frozen('the worker stopped', worker, 12_000),
  rolling,
  keysRotated,
  narrow('a gateway', gateways, ({ gatewayUrls }) => gatewayUrls),
  narrow('a booking service', bookings, ({ bookingUrls }) => bookingUrls),
  workerAfterMail,
  mailServer('refuses', 6_000),
  { ...mailServer('stalls', 8_000), isLong: true },
];
