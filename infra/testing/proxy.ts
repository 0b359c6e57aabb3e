import { connect, createServer, type Server, type Socket } from 'node:net';

export type DatabaseProxy = { url: string; stall: () => void; cut: () => void; close: () => void };

/** A TCP proxy in front of the database. After `stall` nothing passes; `cut` ends all connections and lets new ones pass. */
export async function startProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<Socket[]>();
  let isStalled = false;
  const server: Server = createServer((inner) => {
    const outer = connect(Number(target.port), target.hostname);
    pairs.add([inner, outer]);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('data', (data) => {
        if (!isStalled) to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!isStalled) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const cut = () => {
    isStalled = false;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    url: url.href,
    stall: () => {
      isStalled = true;
    },
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}
