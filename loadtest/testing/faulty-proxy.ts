import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';

type Exchange = { method: string; path: string; ticket: string; status: number; body: string };
/** Looks at what the shop answered and may answer something else instead; null leaves it as it is. */
export type Plant = (exchange: Exchange) => Planted | Promise<Planted>;
type Planted = { status: number; body: string } | null;

/** A proxy in front of a shop that answers as it should, but for one planted fault. */
export async function startFaultyProxy(target: string, plant: Plant) {
  const server = createServer(async (incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers;
    const body = await readAll(incoming);
    const answer = await request(target + url, {
      method: method as 'GET',
      headers: headers as Record<string, string>,
      body: body.length > 0 ? body : null,
    });
    const ticket = incoming.headers.authorization ?? '';
    const given = { status: answer.statusCode, body: await answer.body.text() };
    const { status, body: text } = (await plant({ method, path: url, ticket, ...given })) ?? given;
    for (const name of ['content-type', 'location', 'retry-after']) {
      const value = answer.headers[name];
      if (value !== undefined) outgoing.setHeader(name, value);
    }
    outgoing.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Two fans are told that one seat is theirs. */
export function secondWinner(): Plant {
  let win = (_body: string): void => undefined;
  const won = new Promise<string>((resolve) => {
    win = resolve;
  });
  let isPlanted = false;
  return async ({ method, path, status, body }) => {
    if (method !== 'POST' || !path.endsWith('/holds')) return null;
    if (status === 201) win(body);
    if (status !== 409 || isPlanted) return null;
    isPlanted = true;
    // Those who lose may be told so before the winner is.
    return { status: 201, body: await won };
  };
}

/** Every fan's third position is higher than the one before. */
export function risingPosition(): Plant {
  const polls = new Map<string, number>();
  return ({ path, ticket, status, body }) => {
    if (status !== 200 || !path.includes('/queue/me?')) return null;
    const answer = JSON.parse(body) as { position: number | null };
    if (answer.position === null) return null;
    const count = (polls.get(ticket) ?? 0) + 1;
    polls.set(ticket, count);
    return count === 3
      ? { status, body: JSON.stringify({ ...answer, position: answer.position + 100 }) }
      : null;
  };
}

/** The first fan who buys is told of an order that is not in the books. */
export function inventedOrder(): Plant {
  let isPlanted = false;
  return ({ method, path, status, body }) => {
    if (isPlanted || method !== 'POST' || !path.endsWith('/orders') || status !== 201) return null;
    isPlanted = true;
    return { status, body: JSON.stringify({ ...JSON.parse(body), order: 'an-invented-order' }) };
  };
}

/** The draw is published with the first two places exchanged. */
export function exchangedPlaces(): Plant {
  return ({ path, status, body }) => {
    if (status !== 200 || !path.endsWith('/draw')) return null;
    const draw = JSON.parse(body) as { ids: string[] | null };
    if (!draw.ids) return null;
    const [first, second, ...rest] = draw.ids;
    return { status, body: JSON.stringify({ ...draw, ids: [second, first, ...rest] }) };
  };
}

/** One request with a token that the shop has refused is let in. */
export function grantedForgery(): Plant {
  let isPlanted = false;
  return ({ path, status }) => {
    if (isPlanted || status !== 401 || !path.includes('/seats')) return null;
    isPlanted = true;
    return { status: 200, body: JSON.stringify({ seats: [] }) };
  };
}

/** The concert’s page shows another one, once. */
export function otherConcert(): Plant {
  let isPlanted = false;
  return ({ path, status }) => {
    if (isPlanted || status !== 200 || !path.startsWith('/events/')) return null;
    isPlanted = true;
    return { status, body: '<html>Another concert</html>' };
  };
}

/** The second fan who joins is told the first one’s number. */
export function sharedNumber(): Plant {
  let first: number | null = null;
  let isPlanted = false;
  return ({ method, path, status, body }) => {
    if (isPlanted || status !== 201 || method !== 'POST' || !path.endsWith('/queue')) return null;
    const answer = JSON.parse(body) as { queueNumber: number };
    if (first === null) {
      first = answer.queueNumber;
      return null;
    }
    isPlanted = true;
    return { status, body: JSON.stringify({ ...answer, queueNumber: first }) };
  };
}

/** The third fan who joins, or the third poll that is answered, is told that the shop has failed. */
export function failedAnswer(step: 'join' | 'poll'): Plant {
  let count = 0;
  return ({ path, status }) => {
    const isIt = step === 'join' ? status === 201 && path.endsWith('/queue') : path.includes('/queue/me?');
    if (!isIt) return null;
    count += 1;
    return count === 3 ? { status: 500, body: JSON.stringify({ code: 'internal' }) } : null;
  };
}

/** Several faults at once; the first that has something to say of an answer says it. */
export function several(...plants: Plant[]): Plant {
  return async (exchange) => {
    for (const plant of plants) {
      const planted = await plant(exchange);
      if (planted) return planted;
    }
    return null;
  };
}
