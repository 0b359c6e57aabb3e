import { LaunchError } from '../local/launch-error.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';
import { readPooler } from './pooler.mjs';

const PORT_MAX = 65_535;
const PROCESSES_MAX = 64;
/**
 * Ports of other protocols, which neither a browser nor Node's fetch asks (WHATWG Fetch, "port blocking"): a shop there
 * would never be seen to be up.
 */
export const BLOCKED_PORTS = new Set([
  ...[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
    109, 110,
  ],
  ...[
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
    531, 532,
  ],
  ...[
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
    5060, 5061,
  ],
  ...[6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
]);
/** nginx uses its connections again and again: in that time each ends with an answer that says so, and none in its middle. */
const DRAIN_SECONDS_BEHIND_PROXY = '1';
const WILDCARD_HOSTS = ['0.0.0.0', '::'];

/**
 * What the launcher itself needs of the environment, checked at once: where the gateways and the booking services listen
 * and under which addresses they find each other. The services check the rest.
 *
 * `scaled`: nginx listens on PORT and BOOKING_PORT, and the services behind it on ports that happen to be free.
 */
export async function readSettings(env, { scaled = false } = {}) {
  const faults = [];
  const number = (name, byDefault, min, max) => {
    const text = env[name] || String(byDefault);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    faults.push(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}.`);
    return byDefault;
  };
  const host = env.HOST || LOOPBACK;
  const portOf = async (name, byDefault) => {
    const port = number(name, byDefault, 0, PORT_MAX);
    if (BLOCKED_PORTS.has(port))
      faults.push(
        `${name} is ${port}, a port that browsers and fetch refuse to ask; another must be chosen.`,
      );
    return port || (await freePort());
  };
  const port = await portOf('PORT', 3000);
  const bookingPort = await portOf('BOOKING_PORT', 3001);
  const gateways = number('GATEWAY_PROCESSES', scaled ? 2 : 1, 1, PROCESSES_MAX);
  const workers = number('WORKER_PROCESSES', 1, 1, PROCESSES_MAX);
  const redisCluster = env.REDIS_CLUSTER || (scaled ? 'on' : 'off');
  if (redisCluster !== 'on' && redisCluster !== 'off')
    faults.push(`REDIS_CLUSTER is ${JSON.stringify(redisCluster)}; it must be on or off.`);
  if (port === bookingPort) faults.push(`PORT and BOOKING_PORT are both ${port}; they must differ.`);
  const pooler = readPooler(env, { scaled, faults });
  // Without nginx in front the gateways know one booking service.
  const bookings = number('BOOKING_PROCESSES', scaled ? 2 : 1, 1, scaled ? PROCESSES_MAX : 1);
  if (scaled) {
    if (faults.length > 0) throw new LaunchError(faults.join('\n'));
    return scaledSettings({ host, port, bookingPort, gateways, bookings, workers, pooler, redisCluster });
  }
  const gatewayPorts = consecutivePorts(port, gateways, bookingPort);
  if (gatewayPorts.at(-1) > PORT_MAX)
    faults.push(`There are no ${gateways} ports from PORT ${port} upwards.`);
  if (faults.length > 0) throw new LaunchError(faults.join('\n'));
  const gatewayUrls = gatewayPorts.map((each) => localUrl(host, each));
  return {
    host,
    bookingPorts: [bookingPort],
    bookingUrl: localUrl(host, bookingPort),
    gatewayPorts,
    gatewayUrls,
    gatewayUrl: gatewayUrls[0],
    publicUrl: gatewayUrls[0],
    workers,
    redisCluster: redisCluster === 'on',
    taken: [
      ...gatewayPorts.map((each) => ({ port: each, host, variable: 'PORT' })),
      { port: bookingPort, host, variable: 'BOOKING_PORT' },
    ],
    proxy: null,
    pooler,
  };
}

/** Behind nginx everything is on the loopback, and finds the others through it. */
async function scaledSettings({
  host,
  port,
  bookingPort,
  gateways,
  bookings,
  workers,
  pooler,
  redisCluster,
}) {
  const ports = new Set();
  while (ports.size < gateways + bookings + 1) {
    const free = await freePort();
    if (free !== port && free !== bookingPort) ports.add(free);
  }
  const [gatewayPort, ...inner] = ports;
  const gatewayPorts = inner.slice(0, gateways);
  return {
    host: LOOPBACK,
    bookingPorts: inner.slice(gateways),
    bookingUrl: localUrl(LOOPBACK, bookingPort),
    gatewayPorts,
    gatewayUrls: gatewayPorts.map((each) => localUrl(LOOPBACK, each)),
    gatewayUrl: localUrl(LOOPBACK, gatewayPort),
    publicUrl: localUrl(host, port),
    workers,
    redisCluster: redisCluster === 'on',
    taken: [
      { port, host, variable: 'PORT' },
      { port: bookingPort, host: LOOPBACK, variable: 'BOOKING_PORT' },
    ],
    proxy: { listen: `${host.includes(':') ? `[${host}]` : host}:${port}`, bookingPort, gatewayPort },
    pooler,
  };
}

/** From PORT upwards, past the booking service's and those that nobody asks. */
function consecutivePorts(first, count, bookingPort) {
  const ports = [];
  for (let port = first; ports.length < count; port += 1)
    if (port !== bookingPort && !BLOCKED_PORTS.has(port)) ports.push(port);
  return ports;
}

/** Whoever listens everywhere is spoken to over the loopback. */
export function localUrl(host, port) {
  const name = WILDCARD_HOSTS.includes(host) ? LOOPBACK : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The environment of every service: the caller's, completed by what was started and made for it. */
export function serviceEnvironment({
  env,
  settings,
  secrets,
  dataDir,
  databaseUrl,
  redisUrl,
  pooler = null,
}) {
  const completed = {
    NODE_ENV: 'development',
    // Requests are many; in development only what goes wrong is worth a line.
    LOG_LEVEL: 'warn',
    BOOKING_URL: settings.bookingUrl,
    GATEWAY_URL: settings.gatewayUrl,
    PUBLIC_URL: settings.publicUrl,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    ...pooler?.environment,
    ...(settings.proxy ? { TRUSTED_PROXIES: LOOPBACK, DRAIN_SECONDS: DRAIN_SECONDS_BEHIND_PROXY } : {}),
    ...secrets,
  };
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  return {
    ...completed,
    ...given,
    HOST: settings.host,
    DATA_DIR: dataDir,
  };
}
