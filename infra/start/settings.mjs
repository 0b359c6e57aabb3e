import { LaunchError } from '../local/launch-error.mjs';
import { freePort, LOOPBACK } from '../local/ports.mjs';

const PORT_MAX = 65_535;
const GATEWAYS_MAX = 64;
const WILDCARD_HOSTS = ['0.0.0.0', '::'];

/**
 * What the launcher itself needs of the environment, checked at once: where the gateways and the booking service listen
 * and under which addresses they find each other. The services check the rest.
 */
export async function readSettings(env) {
  const faults = [];
  const number = (name, byDefault, min, max) => {
    const text = env[name] || String(byDefault);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    faults.push(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}.`);
    return byDefault;
  };
  const host = env.HOST || LOOPBACK;
  const port = number('PORT', 3000, 0, PORT_MAX) || (await freePort());
  const bookingPort = number('BOOKING_PORT', 3001, 0, PORT_MAX) || (await freePort());
  const gateways = number('GATEWAY_PROCESSES', 1, 1, GATEWAYS_MAX);
  if (port === bookingPort) faults.push(`PORT and BOOKING_PORT are both ${port}; they must differ.`);
  const gatewayPorts = consecutivePorts(port, gateways, bookingPort);
  if (gatewayPorts.at(-1) > PORT_MAX)
    faults.push(`There are no ${gateways} ports from PORT ${port} upwards.`);
  if (faults.length > 0) throw new LaunchError(faults.join('\n'));
  const gatewayUrls = gatewayPorts.map((each) => localUrl(host, each));
  return { host, bookingPort, bookingUrl: localUrl(host, bookingPort), gatewayPorts, gatewayUrls };
}

/** From PORT upwards, past the booking service's. */
function consecutivePorts(first, count, bookingPort) {
  const ports = [];
  for (let port = first; ports.length < count; port += 1) if (port !== bookingPort) ports.push(port);
  return ports;
}

/** Whoever listens everywhere is spoken to over the loopback. */
function localUrl(host, port) {
  const name = WILDCARD_HOSTS.includes(host) ? LOOPBACK : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The environment of every service: the caller's, completed by what was started and made for it. */
export function serviceEnvironment({ env, settings, secrets, dataDir, databaseUrl, redisUrl }) {
  const gatewayUrl = settings.gatewayUrls[0];
  const completed = {
    NODE_ENV: 'development',
    // Requests are many; in development only what goes wrong is worth a line.
    LOG_LEVEL: 'warn',
    BOOKING_URL: settings.bookingUrl,
    GATEWAY_URL: gatewayUrl,
    PUBLIC_URL: gatewayUrl,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    ...secrets,
  };
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  return {
    ...completed,
    ...given,
    HOST: settings.host,
    BOOKING_PORT: String(settings.bookingPort),
    DATA_DIR: dataDir,
  };
}
