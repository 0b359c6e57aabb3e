import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { newSecrets } from '../local/secrets.mjs';
import { createService, type Service } from './service.ts';
import { testDatabase, testRedis } from './stores.ts';

export type ServiceName = `gateway-${number}` | 'booking' | 'worker';

export type ShopOptions = {
  /** How many gateways stand before the one booking service; 1 by default. */
  gateways?: number;
  /** Added to, and stronger than, what every service is given. */
  env?: Record<string, string>;
  /** Whether a worker runs; true by default. */
  worker?: boolean;
};

export type Shop = {
  gatewayUrls: string[];
  bookingUrl: string;
  organiserKey: string;
  internalSecret: string;
  databaseUrl: string;
  redisUrl: string;
  dataDir: string;
  /** SIGKILL, as a crash would; resolves when the process is gone. */
  kill: (name: ServiceName) => Promise<void>;
  /** On the same port with the same environment; resolves when it is ready. */
  restart: (name: ServiceName) => Promise<void>;
  /** What the service has written so far, over all its starts. */
  output: (name: ServiceName) => string;
  /** Ends every process and removes the database and the folder. */
  stop: () => Promise<void>;
};

/** The whole shop as real processes on free ports, with a database, a Redis number and secrets of its own. */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { gateways = 1, env = {}, worker = true } = options;
  const [database, redis, dataDir] = await Promise.all([
    testDatabase(),
    testRedis(),
    mkdtemp(join(tmpdir(), 'admit-one-shop-')),
  ]);
  const secrets = newSecrets();
  const bookingPort = await freePort();
  const gatewayPorts = await Promise.all(Array.from({ length: gateways }, () => freePort()));
  const gatewayUrls = gatewayPorts.map(localUrl);
  const bookingUrl = localUrl(bookingPort);
  const common = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    HOST: LOOPBACK,
    BOOKING_PORT: String(bookingPort),
    BOOKING_URL: bookingUrl,
    GATEWAY_URL: String(gatewayUrls[0]),
    PUBLIC_URL: String(gatewayUrls[0]),
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    DATA_DIR: dataDir,
    ...secrets,
    ...env,
  };
  const services = new Map<ServiceName, Service>();
  services.set('booking', createService('booking-service/main.ts', common, bookingUrl));
  for (const [index, port] of gatewayPorts.entries()) {
    const service = createService('gateway/main.ts', { ...common, PORT: String(port) }, localUrl(port));
    services.set(`gateway-${index + 1}`, service);
  }
  if (worker) services.set('worker', createService('booking-service/worker-main.ts', common, null));

  const serviceNamed = (name: ServiceName): Service => {
    const service = services.get(name);
    if (!service) throw new Error(`This shop has no ${name}, only ${[...services.keys()].join(', ')}.`);
    return service;
  };
  const stop = async () => {
    await Promise.all([...services.values()].map((service) => service.stop()));
    await Promise.all([database.drop(), redis.flush(), rm(dataDir, { recursive: true, force: true })]);
  };
  const started = await Promise.allSettled([...services.values()].map((service) => service.start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    gatewayUrls,
    bookingUrl,
    organiserKey: common.ORGANISER_KEY,
    internalSecret: common.INTERNAL_SECRET,
    databaseUrl: database.url,
    redisUrl: redis.url,
    dataDir,
    kill: (name) => serviceNamed(name).kill(),
    restart: async (name) => {
      await serviceNamed(name).stop();
      await serviceNamed(name).start();
    },
    output: (name) => serviceNamed(name).output(),
    stop,
  };
}

const localUrl = (port: number): string => `http://${LOOPBACK}:${port}`;
