import { freePort, LOOPBACK } from '../../local/ports.mjs';
import { newSecrets } from '../../local/secrets.mjs';
import { type Child, startChild, untilReady } from '../processes.ts';
import { QUEUE_TICKET_SECRET } from './fans.ts';

export type GatewayProcess = Child & { port: number; barePort: number };

/** A gateway, and the baseline in the same process; or one that another file makes. */
export async function startGateway(
  redisUrl: string,
  env: Record<string, string> = {},
  file = './server.ts',
  flags: string[] = [],
): Promise<GatewayProcess> {
  const [port, barePort, nowhere] = [await freePort(), await freePort(), await freePort()];
  const settings = {
    ...newSecrets(),
    QUEUE_TICKET_SECRET,
    HOST: LOOPBACK,
    PORT: String(port),
    BARE_PORT: String(barePort),
    BOOKING_URL: `http://${LOOPBACK}:${nowhere}`,
    PUBLIC_URL: `http://${LOOPBACK}:${port}`,
    REDIS_URL: redisUrl,
    LOG_LEVEL: 'error',
    NODE_ENV: 'test',
    ...env,
  };
  const started = startChild(new URL(file, import.meta.url), settings, flags);
  await untilReady(started, `http://${LOOPBACK}:${port}/readyz`);
  return { ...started, port, barePort };
}

export const startClient = (file = './client.ts'): Child => startChild(new URL(file, import.meta.url));
