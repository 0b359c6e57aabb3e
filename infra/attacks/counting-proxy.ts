import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Passed = { method: string; target: string; headers: Record<string, string> };

/** In front of the booking service: passes every request on as it is and remembers those that fans may have caused. */
export async function startCountingProxy(bookingUrl: string) {
  const { hostname, port } = new URL(bookingUrl);
  const passed: Passed[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', rawHeaders } = incoming;
    // The gateway's own questions (/internal, /readyz) come all the time.
    if (url.startsWith('/api/'))
      passed.push({ method, target: url, headers: incoming.headers as Record<string, string> });
    const onward = request({ hostname, port, method, path: url, headers: rawHeaders as never }, (answer) => {
      outgoing.writeHead(answer.statusCode as number, answer.rawHeaders as never);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What has passed since the last time. */
    take: (): Passed[] => passed.splice(0),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

export type CountingProxy = Awaited<ReturnType<typeof startCountingProxy>>;
