import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, type ProblemCode, problemDocument, problemHeaders } from './problem.ts';

const HEADERS_MAX = 200;
/** A name or address and a port, or none (RFC 9112 §3.2), once: Node joins two with a comma and a space. */
const HOST = /^(?:[\w.~!$&'()*+,;=-]*|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** What is wrong with a request that Node's parser lets through though nobody could say what it means; null for any other. */
export function whyMalformed({ rawHeaders, headers, httpVersion }: IncomingMessage): Problem | null {
  // Node itself would leave out whatever comes after so many: the address that a proxy has added at the end, too.
  if (rawHeaders.length > 2 * HEADERS_MAX)
    return new Problem('headers-too-large', `A request may have at most ${HEADERS_MAX} headers.`);
  // `gzip, chunked` would be read as if it were not compressed, by us and not by whoever stands in front (RFC 9112 §6.1).
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return malformed('A body that has no length is chunked, and nothing besides.');
  // Requests that are answered ahead of the router never become an address, where it would be noticed.
  if (headers.host !== undefined && !HOST.test(headers.host)) return malformed('The host is not valid.');
  if (httpVersion === '1.1') return headers.host === undefined ? malformed('There is no host.') : null;
  return httpVersion === '1.0' ? null : malformed('This server speaks HTTP/1.1.');
}

/** RFC 9110 §10.1.1: nothing else can be expected. */
export const unknownExpectation = (): Problem => malformed('Only 100-continue can be expected.');

/**
 * What Node's parser refuses never becomes a request; it still gets the contract's form of an answer. Where another answer
 * of this connection is on its way there is no place for one, and it ends: nobody is to read a 408 in the middle of a
 * stream, nor to take it for what became of an order that has been sent whole.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const underWay = answerUnderWay(socket);
  const isTaken = underWay !== null && (underWay.headersSent || underWay.req.complete);
  if (error.code === 'ECONNRESET' || !socket.writable || isTaken) {
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
  const answer = `HTTP/1.1 ${problem.status} ${problem.code}\r\n${head.join('')}\r\n${body}`;
  // What has been answered that it came too late does not come after all: of anything else the parser reads no more.
  if (problem.code === 'request-timeout') socket.end(answer, () => socket.destroy());
  else socket.end(answer);
}

/** Of this connection. Node's own way to know it (its answer to a client error asks the same); nothing documented tells. */
export const answerUnderWay = (socket: Socket): ServerResponse | null =>
  (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? null;

function clientErrorCode(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout';
  return 'malformed-request';
}

const malformed = (detail: string): Problem => new Problem('malformed-request', detail);
