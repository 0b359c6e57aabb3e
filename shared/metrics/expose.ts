import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import { countProcess } from './process.ts';
import { exposition } from './registry.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Tells what the process counts at `/metrics`, on a port of its own that nobody outside reaches, and whether it lives and
 * is ready: a worker has no other. Without a port nothing listens. Resolves to what ends it.
 */
export async function exposeMetrics(options: {
  host: string;
  port: number | undefined;
  /** Why the process should get no work at the moment; null when it may. */
  unready: () => string | null;
  log: Log;
}): Promise<() => Promise<void>> {
  const { host, port, unready, log } = options;
  if (port === undefined) return async () => undefined;
  countProcess();
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, async (request, response) => {
    const answer = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    if (request.method !== 'GET') return answer(405, 'GET\n');
    if (request.url === '/metrics')
      return answer(200, await exposition(), 'text/plain; version=0.0.4; charset=utf-8');
    if (request.url === '/livez') return answer(200, 'ok\n');
    if (request.url !== '/readyz') return answer(404, '/metrics, /livez, /readyz\n');
    const why = unready();
    return why === null ? answer(200, 'ok\n') : answer(503, `${why}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  log.info({ host, port: (server.address() as AddressInfo).port }, 'metrics are told');
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}
