import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Env } from 'hono/types';
import { asProblem } from './errors.ts';
import type { Log } from './log.ts';
import { answerClientError, answerUnderWay, unknownExpectation, whyMalformed } from './malformed-requests.ts';
import { countAnswered, routesOf } from './metrics/requests.ts';
import { openFilesMax } from './open-files.ts';
import { Problem, problemDocument, problemHeaders, problemResponse } from './problem.ts';
import { nameRequest, REQUEST_ID, requestIdOf } from './request-id.ts';
import { beginUnlessGone } from './standstill.ts';

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 8_000;
const REQUEST_TIMEOUT_MS = 9_000;
const TIMEOUT_CHECK_INTERVAL_MS = 500;
/** Longer than nginx's (infra/nginx/admit-one.conf), so that the proxy and not this server closes an idle connection first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const CONNECTIONS_MAX = 30_000;
/**
 * Requests of one connection without an answer. Browsers and proxies send one after the other's answer; whoever sends
 * thousands at once would have them all begun before anybody else is heard (measured: 30 s without an answer to anybody).
 */
const PIPELINED_MAX = 50;
/** Of an answer of which nothing is taken for so long nobody waits for the rest. */
const STALLED_MS_MAX = 30_000;
/** For stores, files and whatever else is not a fan's connection, where the system gives few handles. */
const OTHER_HANDLES = 128;
/** Looking through 30,000 connections takes some ms. */
const SHED_INTERVAL_MS = 1_000;
const DRAIN_TIMEOUT_MS = 8_000;
/** Where callers never cease, their connections are no longer waited for. */
const TAKE_IN_MS_MAX = 1_000;
/** Turns of the event loop in which nobody new came. */
const QUIET_TURNS = 2;

export type RunningServer = {
  server: Server;
  port: number;
  url: string;
  /** Stops accepting, lets requests under way finish for at most DRAIN_TIMEOUT_MS, then cuts. */
  close: () => Promise<void>;
};

/** Answers a request ahead of the app and says the pattern of its route, or leaves it alone. */
export type Ahead = (request: IncomingMessage, response: ServerResponse) => string | false;

const MALFORMED_ROUTE = 'malformed';

/**
 * Listens and resolves once the port is open; rejects with the system's error (`EADDRINUSE`, …) otherwise. `headers` go with
 * every answer of the app; what is answered ahead of it says for itself what it needs. Of more than `connectionsMax` connections
 * those that ask nothing at the moment are ended, to make room for who comes. What is asked by somebody who went while this process
 * stood still is not begun (standstill.ts). `believesRequestId`: whether the id that a request brings is its own from here on
 * (request-id.ts). While `isDraining` says so each answer is the last of its connection.
 */
export async function serve<E extends Env>(
  app: Hono<E>,
  options: {
    host: string;
    port: number;
    ahead?: Ahead[];
    headers?: Record<string, string>;
    connectionsMax?: number;
    stalledMsMax?: number;
    /** Whether the app's answers say it; true unless given. A header from here makes Node write all of them the slow way. */
    answersRequestId?: boolean;
    believesRequestId?: (request: IncomingMessage) => boolean;
    isDraining?: () => boolean;
    log?: Log;
  },
): Promise<RunningServer> {
  const { answersRequestId = true, believesRequestId = () => false, isDraining = () => false, log } = options;
  const listener = getRequestListener(app.fetch, {
    hostname: options.host,
    errorHandler: answerListenerError,
  });
  const ahead = options.ahead ?? [];
  const headers = Object.entries(options.headers ?? {});
  const routeOf = routesOf(app);
  const answered = (
    route: string,
    request: IncomingMessage,
    response: ServerResponse,
    startedAt: number,
  ): void => {
    countAnswered(route, request, response, startedAt);
    if (!log?.isLevelEnabled('debug')) return;
    const { method } = request;
    const status = response.statusCode;
    const ms = Math.round(performance.now() - startedAt);
    log.debug({ requestId: requestIdOf(request), method, route, status, ms }, 'answered');
  };
  /** What is answered at once, as polls are, needs no listener. */
  const count = (
    route: string | null,
    request: IncomingMessage,
    response: ServerResponse,
    startedAt: number,
  ): void => {
    if (response.writableEnded) answered(route ?? routeOf(request), request, response, startedAt);
    else response.once('close', () => answered(route ?? routeOf(request), request, response, startedAt));
  };
  /** The route of what is answered at once, or null: the app knows it. */
  const carryOut = (request: IncomingMessage, response: ServerResponse): string | null => {
    nameRequest(request, believesRequestId);
    if (isDraining()) {
      response.shouldKeepAlive = false;
      over.add(request.socket);
    }
    const malformed = whyMalformed(request);
    if (malformed) {
      refuse(response, malformed);
      return MALFORMED_ROUTE;
    }
    for (const answer of ahead) {
      const route = answer(request, response);
      if (route !== false) return route;
    }
    for (const [name, value] of headers) response.setHeader(name, value);
    if (answersRequestId) response.setHeader(REQUEST_ID, requestIdOf(request));
    void listener(request, response);
    return null;
  };
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      // As the app's requests do: Node would keep the first of two tokens, and the app would refuse both.
      joinDuplicateHeaders: true,
      // Node's own refusal is no problem document.
      requireHostHeader: false,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => {
      const startedAt = performance.now();
      if (isNotBegun(request, response)) return;
      beginUnlessGone(request, startedAt, () => {
        // Meanwhile the answer before it may have become the last.
        if (!over.has(request.socket)) count(carryOut(request, response), request, response, startedAt);
      });
    },
  );
  server.maxConnections = options.connectionsMax ?? connectionsMax();
  shedWhenFull(server);
  // They are counted instead of left out.
  server.maxHeadersCount = 0;
  server.on('clientError', answerClientError);
  server.timeout = options.stalledMsMax ?? STALLED_MS_MAX;
  server.on('timeout', endStalled);
  server.on('checkExpectation', (_, response) => refuse(response, unknownExpectation()));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { server, port, url: `http://${host}:${port}`, close: () => close(server) };
}

/** Ends a response that nothing was written to with a problem document. */
export function answerProblem(response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problemDocument(problem));
  response.writeHead(problem.status, {
    ...problemHeaders(problem),
    'content-length': Buffer.byteLength(body),
    [REQUEST_ID]: requestIdOf(response.req),
  });
  response.end(body);
}

/** Whatever else comes over this connection is not to be understood either. */
function refuse(response: ServerResponse, problem: Problem): void {
  response.setHeader('connection', 'close');
  over.add(response.req.socket);
  answerProblem(response, problem);
}

/** What the system gives this process handles for. */
function connectionsMax(): number {
  const handles = openFilesMax();
  return handles === null ? CONNECTIONS_MAX : Math.max(1, Math.min(CONNECTIONS_MAX, handles - OTHER_HANDLES));
}

const waitingBehind = new WeakMap<Socket, number>();
/** Connections whose last answer is on its way: whatever comes behind it would be carried out, and never answered. */
const over = new WeakSet<Socket>();

/**
 * Whether a request is not carried out: its connection is over and only waits for its last answer, or so many of it wait already
 * that it is cut, with what is left of them.
 */
function isNotBegun({ socket }: IncomingMessage, response: ServerResponse): boolean {
  if (socket.destroyed) return true;
  // It has the connection to itself, as nearly all have.
  if (response.socket !== null) return false;
  const waiting = (waitingBehind.get(socket) ?? 0) + 1;
  waitingBehind.set(socket, waiting);
  response.once('finish', () => waitingBehind.set(socket, (waitingBehind.get(socket) as number) - 1));
  if (waiting < PIPELINED_MAX) return over.has(socket);
  socket.destroy();
  return true;
}

/**
 * Nothing has gone over this connection for some time, either way. Whoever waits for an answer goes on waiting; an idle
 * connection ends as it would without this, and so does one whose other side does not take what is written.
 */
function endStalled(socket: Socket): void {
  if (answerUnderWay(socket) === null || socket.writableLength > 0) socket.destroy();
}

/** Connections that are kept for a next request cost their owner nothing: however many there are, fans get in. */
function shedWhenFull(server: Server): void {
  let shedAt = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    const nowMs = performance.now();
    if (nowMs - shedAt < SHED_INTERVAL_MS) return;
    shedAt = nowMs;
    server.closeIdleConnections();
  });
}

async function close(server: Server): Promise<void> {
  await takeIn(server);
  await new Promise<void>((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/**
 * Resolves when every connection that the system has taken in is the server's, or the time for it is over: those that it has not
 * accepted are reset with the listening socket, and a proxy may not send once more what it has sent there. A turn of the event
 * loop accepts one of them, or some.
 */
async function takeIn(server: Server): Promise<void> {
  const endsAtMs = performance.now() + TAKE_IN_MS_MAX;
  let isQuiet = false;
  const noteCaller = () => {
    isQuiet = false;
  };
  for (const event of ['connection', 'drop']) server.on(event, noteCaller);
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < endsAtMs; quiet = isQuiet ? quiet + 1 : 0) {
    isQuiet = true;
    await new Promise(setImmediate);
  }
  for (const event of ['connection', 'drop']) server.off(event, noteCaller);
}

/** A target or host that is no URL never becomes a request either. */
const answerListenerError = (error: unknown): Response =>
  problemResponse(
    error instanceof RequestError
      ? new Problem('malformed-request', 'The request target or host is not valid.')
      : asProblem(error),
  );
