import { freePort, LOOPBACK } from '../local/ports.mjs';
import { newSecrets } from '../local/secrets.mjs';
import { builtServices } from './built.ts';
import { createService, type Service, type StartOptions } from './service.ts';

/** The first booking service is `booking`, further ones are numbered from 2. */
export type ServiceName = `gateway-${number}` | 'booking' | `booking-${number}` | 'worker';

export type ServicesOptions = {
  /** How many gateways there are; 1 by default. */
  gateways?: number;
  /** How many booking services stand behind them, each behind every so many gateways; 1 by default. */
  bookings?: number;
  /** Added to, and stronger than, what every service is given. */
  env?: Record<string, string>;
  /** What stands between the gateways and a booking service: given its URL, the URL to reach it by. */
  inFrontOfBooking?: (bookingUrl: string) => Promise<string>;
  /** What stands between a service and Redis: the URL by which it reaches it. */
  inFrontOfRedis?: (name: ServiceName) => Promise<string>;
  /** Whether a worker runs; true by default. */
  worker?: boolean;
  /** Whether each tells its metrics on a port of its own. */
  metrics?: boolean;
};

/** Where the services keep what they know; it is the caller's. */
export type Stores = { databaseUrl: string; redisUrl: string; dataDir: string };

export type Services = Stores & {
  gatewayUrls: string[];
  /** The first of them. */
  bookingUrl: string;
  /** Where each tells its metrics; empty where none does. */
  metricsUrls: Map<ServiceName, string>;
  bookingUrls: string[];
  organiserKey: string;
  internalSecret: string;
  signingKeys: string;
  /** SIGKILL, as a crash would; resolves when the process is gone. */
  kill: (name: ServiceName) => Promise<void>;
  /** SIGTERM; resolves when the process has ended by itself. */
  end: (name: ServiceName) => Promise<void>;
  /** On the same port with the same environment; resolves when it is ready. */
  restart: (name: ServiceName, options?: StartOptions) => Promise<void>;
  /** Stops the process where it is (SIGSTOP), as a machine does that pauses, until it is thawed. */
  freeze: (name: ServiceName) => void;
  thaw: (name: ServiceName) => void;
  names: ServiceName[];
  isRunning: (name: ServiceName) => boolean;
  /** What the service has written so far, over all its starts. */
  output: (name: ServiceName) => string;
  /** Ends every process. */
  stop: () => Promise<void>;
};

/** The same on stores that are removed when the services have ended, or could not be started. */
export async function startServicesOn(
  stores: Stores,
  removeStores: () => Promise<unknown>,
  options: ServicesOptions,
): Promise<Services> {
  try {
    const services = await startServices(stores, options);
    return {
      ...services,
      stop: async () => {
        await services.stop();
        await removeStores();
      },
    };
  } catch (error) {
    await removeStores();
    throw error;
  }
}

/** Gateways, booking services and a worker as real processes on free ports, with secrets of their own. */
export async function startServices(stores: Stores, options: ServicesOptions = {}): Promise<Services> {
  const { gateways = 1, bookings = 1, env = {}, worker = true, metrics = false } = options;
  const scripts = await builtServices();
  const secrets = newSecrets();
  const freePorts = (count: number) => Promise.all(Array.from({ length: count }, () => freePort()));
  const bookingPorts = await freePorts(bookings);
  const gatewayPorts = await freePorts(gateways);
  const gatewayUrls = gatewayPorts.map(localUrl);
  const bookingUrls = bookingPorts.map(localUrl);
  const bookingUrl = String(bookingUrls[0]);
  const reachedBy = await Promise.all(bookingUrls.map((url) => options.inFrontOfBooking?.(url) ?? url));
  const common = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'warn',
    HOST: LOOPBACK,
    BOOKING_URL: bookingUrl,
    GATEWAY_URL: String(gatewayUrls[0]),
    PUBLIC_URL: String(gatewayUrls[0]),
    DATABASE_URL: stores.databaseUrl,
    REDIS_URL: stores.redisUrl,
    DATA_DIR: stores.dataDir,
    ...secrets,
    ...env,
  };
  const services = new Map<ServiceName, Service>();
  const metricsUrls = new Map<ServiceName, string>();
  const metricsPorts = await freePorts(metrics ? bookings + gateways + 1 : 0);
  const withMetrics = (name: ServiceName): Record<string, string> => {
    const port = metricsPorts.pop();
    if (port === undefined) return {};
    metricsUrls.set(name, localUrl(port));
    return { METRICS_PORT: String(port) };
  };
  const add = async (name: ServiceName, script: string, env: Record<string, string>, url: string | null) => {
    const redisUrl = await options.inFrontOfRedis?.(name);
    const own = { ...env, ...withMetrics(name), ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }) };
    services.set(name, createService(script, own, url));
  };
  for (const [index, port] of bookingPorts.entries()) {
    const own = { ...common, BOOKING_PORT: String(port) };
    const name = index === 0 ? 'booking' : (`booking-${index + 1}` as const);
    await add(name, scripts.booking, own, localUrl(port));
  }
  for (const [index, port] of gatewayPorts.entries()) {
    const own = {
      ...common,
      PORT: String(port),
      BOOKING_URL: String(reachedBy[index % bookings]),
    };
    await add(`gateway-${index + 1}`, scripts.gateway, own, localUrl(port));
  }
  if (worker) await add('worker', scripts.worker, common, null);

  const serviceNamed = (name: ServiceName): Service => {
    const service = services.get(name);
    if (!service) throw new Error(`This shop has no ${name}, only ${[...services.keys()].join(', ')}.`);
    return service;
  };
  let isOver = false;
  const stop = async () => {
    isOver = true;
    await Promise.all([...services.values()].map((service) => service.stop()));
  };
  const started = await Promise.allSettled([...services.values()].map((service) => service.start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    ...stores,
    gatewayUrls,
    bookingUrl,
    metricsUrls,
    bookingUrls,
    organiserKey: common.ORGANISER_KEY,
    internalSecret: common.INTERNAL_SECRET,
    signingKeys: common.SIGNING_KEYS,
    kill: (name) => serviceNamed(name).kill(),
    end: (name) => serviceNamed(name).stop(),
    restart: async (name, start) => {
      await serviceNamed(name).stop();
      if (isOver) throw new Error(`The shop has been stopped; ${name} does not start again.`);
      await serviceNamed(name).start(start);
    },
    freeze: (name) => serviceNamed(name).signal('SIGSTOP'),
    thaw: (name) => serviceNamed(name).signal('SIGCONT'),
    names: [...services.keys()],
    isRunning: (name) => serviceNamed(name).isRunning(),
    output: (name) => serviceNamed(name).output(),
    stop,
  };
}

const localUrl = (port: number): string => `http://${LOOPBACK}:${port}`;
