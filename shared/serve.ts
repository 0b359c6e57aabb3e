import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Env } from 'hono/types';
import { asProblem } from './errors.ts';
import { Problem, type ProblemCode, problemDocument, problemHeaders, problemResponse } from './problem.ts';

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 200;
const HEADERS_TIMEOUT_MS = 8_000;
const REQUEST_TIMEOUT_MS = 9_000;
const TIMEOUT_CHECK_INTERVAL_MS = 500;
/** Longer than nginx's 60 s, so that the proxy and not this server closes an idle connection first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const CONNECTIONS_MAX = 30_000;
const DRAIN_TIMEOUT_MS = 8_000;

export type RunningServer = {
  server: Server;
  port: number;
  url: string;
  /** Stops accepting, lets requests under way finish for at most DRAIN_TIMEOUT_MS, then cuts. */
  close: () => Promise<void>;
};

/** Answers a request ahead of the app and says true, or leaves it alone. */
export type Ahead = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Listens and resolves once the port is open; rejects with the system's error (`EADDRINUSE`, …) otherwise. `headers` go with
 * every answer of the app; what is answered ahead of it says for itself what it needs.
 */
export async function serve<E extends Env>(
  app: Hono<E>,
  options: { host: string; port: number; ahead?: Ahead[]; headers?: Record<string, string> },
): Promise<RunningServer> {
  const listener = getRequestListener(app.fetch, {
    hostname: options.host,
    errorHandler: answerListenerError,
  });
  const ahead = options.ahead ?? [];
  const headers = Object.entries(options.headers ?? {});
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      // As the app's requests do: Node would keep the first of two tokens, and the app would refuse both.
      joinDuplicateHeaders: true,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    },
    (request, response) => {
      if (ahead.some((answer) => answer(request, response))) return;
      for (const [name, value] of headers) response.setHeader(name, value);
      void listener(request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  server.on('clientError', answerClientError);
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
  });
  response.end(body);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** A target or host that is no URL never becomes a request either. */
const answerListenerError = (error: unknown): Response =>
  problemResponse(
    error instanceof RequestError
      ? new Problem('malformed-request', 'The request target or host is not valid.')
      : asProblem(error),
  );

/** What Node's parser refuses never becomes a request; it still gets the contract's form of an answer. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new Problem(clientErrorCode(error), 'The request does not follow HTTP/1.1.');
  const body = JSON.stringify(problemDocument(problem));
  const headers = {
    ...problemHeaders(problem),
    connection: 'close',
    'content-length': Buffer.byteLength(body),
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.code}\r\n${head.join('')}\r\n${body}`);
}

function clientErrorCode(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  return 'malformed-request';
}
