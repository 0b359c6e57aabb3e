import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a way does with all that passes, from now on. */
export type Ill = {
  /** Everything arrives so much later, either way. */
  delayMs?: number;
  /** Everything arrives in pieces of so many bytes. */
  sliceBytes?: number;
  /** Every so many replies the connection is cut instead: what was asked has happened, and nobody hears of it. */
  cutReplyEvery?: number;
};

export type TcpProxy = {
  url: string;
  /** Nothing passes any more, and no connection ends; what has come meanwhile is lost. */
  stall: () => void;
  /** Ends all connections and lets new ones pass. */
  cut: () => void;
  /** Without an ill it passes everything on as it comes. */
  ail: (ill: Ill) => void;
  close: () => void;
};

/** Pieces beyond these are passed on as one: a reply of a megabyte must not take a minute. */
const PIECES_MAX = 256;

/** A TCP proxy of our own in front of one server; what is between two of the shop's processes passes it. */
export async function startProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  const pairs = new Set<[Socket, Socket]>();
  let isStalled = false;
  let ill: Ill = {};
  let replies = 0;
  const server: Server = createServer({ noDelay: true }, (inner) => {
    const outer = connect({ port, host: target.hostname, noDelay: true });
    const pair: [Socket, Socket] = [inner, outer];
    pairs.add(pair);
    pass(inner, outer, () => false);
    pass(outer, inner, () => {
      replies += 1;
      return ill.cutReplyEvery !== undefined && replies % ill.cutReplyEvery === 0;
    });
    // While it stalls the end of one of them ends not the other, which is still to be cut.
    for (const socket of pair)
      socket.on('close', () => {
        if (pair.every(({ destroyed }) => destroyed)) pairs.delete(pair);
      });
  });

  function pass(from: Socket, to: Socket, isCut: () => boolean): void {
    /** Whatever comes waits for what came before. */
    let behind: Promise<void> = Promise.resolve();
    let isBusy = 0;
    from.on('data', (data: Buffer) => {
      if (isStalled) return;
      if (isCut()) {
        from.destroy();
        to.destroy();
        return;
      }
      const { delayMs, sliceBytes } = ill;
      if (delayMs === undefined && sliceBytes === undefined && isBusy === 0) {
        to.write(data);
        return;
      }
      isBusy += 1;
      const dueAt = performance.now() + (delayMs ?? 0);
      behind = behind
        .then(async () => {
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueAt - performance.now())));
          for (const piece of sliceBytes === undefined ? [data] : slices(data, sliceBytes)) {
            if (to.destroyed) return;
            to.write(piece);
            if (sliceBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
          }
        })
        .finally(() => {
          isBusy -= 1;
        });
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      if (!isStalled) void behind.then(() => to.destroy());
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(targetUrl);
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const cut = () => {
    isStalled = false;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  return {
    // As its target is written: a plain origin has no slash at its end.
    url: targetUrl.endsWith('/') ? url.href : url.href.replace(/\/$/, ''),
    stall: () => {
      isStalled = true;
    },
    cut,
    ail: (next) => {
      ill = next;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}

function slices(data: Buffer, bytes: number): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (; at < data.length && pieces.length < PIECES_MAX; at += bytes)
    pieces.push(data.subarray(at, at + bytes));
  if (at < data.length) pieces.push(data.subarray(at));
  return pieces;
}
