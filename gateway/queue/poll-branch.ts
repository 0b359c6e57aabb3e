import type { ServerResponse } from 'node:http';
import { bearerToken } from '#shared/admission-token.ts';
import { Problem, problemDocument, problemHeaders } from '#shared/problem.ts';
import type { Ahead } from '#shared/serve.ts';
import type { Cookies } from './credentials.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { estimateOf, hasEnded, pollAfterOf, type Queue, waitingStatus } from './status.ts';
import { positionOf } from './waiting-bits.ts';
import { isCurrent } from './watch.ts';

/**
 * Polls are most of what a gateway does, so the plainest of them, of a fan who still waits, are answered here, before
 * the router: a look at the ticket, its limit, one look-up, an answer put together from parts that are made once a
 * snapshot. Whatever is not of that kind, errors included, is left to the route, which answers the same (a test compares
 * them).
 */
export function answerPolls(queue: Queue, cookies: Cookies): Ahead {
  const { tickets, watch, presence, limit, load } = queue;
  return (request, response) => {
    if (request.method !== 'GET') return false;
    const poll = readPoll(request.url as string);
    if (!poll) return false;
    const { sale, version } = poll;
    const { authorization, cookie } = request.headers;
    const text =
      authorization === undefined ? cookies.read(cookie, sale, 'queue') : bearerToken(authorization);
    const ticket = text ? tickets.verify(text) : null;
    const snapshot = watch.remembered(sale);
    if (!ticket || ticket.sale !== sale || ticket.queueNumber === null || !snapshot) return false;
    if (!isCurrent(snapshot) || snapshot.version < version || hasEnded(snapshot.state)) return false;
    const { queueNumber } = ticket;
    const position = positionOf(snapshot.bits, queueNumber);
    if (position === null) return false;

    const nowMs = performance.now();
    load.count(nowMs);
    const wait = limit.take(sale, queueNumber, nowMs);
    if (wait > 0) {
      refuse(response, wait);
      return true;
    }
    presence.mark(sale, queueNumber);
    const estimate = estimateOf(snapshot, position);
    const pollAfterMs = pollAfterOf(snapshot, position, estimate, load.factor());
    const [a, b, c, d, e, f] = partsOf(snapshot);
    const range =
      estimate === null
        ? 'null'
        : `{"lowSeconds":${estimate.lowSeconds},"highSeconds":${estimate.highSeconds}}`;
    const body = Buffer.from(
      a + queueNumber + b + position + c + (position - 1) + d + range + e + pollAfterMs + f,
    );
    response.writeHead(200, [
      'content-type',
      'application/json',
      'cache-control',
      'no-store',
      'retry-after',
      String(Math.ceil(pollAfterMs / 1000)),
      'content-length',
      String(body.length),
    ]);
    response.end(body);
    return true;
  };
}

const PREFIX = '/api/sales/';
const SUFFIX = '/queue/me';
const VERSION = '?version=';

/** `/api/sales/:sale/queue/me?version=…`, in its one plain spelling; null for any other target. */
function readPoll(target: string): { sale: string; version: number } | null {
  if (!target.startsWith(PREFIX)) return null;
  const end = target.indexOf('/', PREFIX.length);
  if (end === -1 || !target.startsWith(SUFFIX, end) || !target.startsWith(VERSION, end + SUFFIX.length))
    return null;
  const version = target.slice(end + SUFFIX.length + VERSION.length);
  if (!/^\d{1,15}$/.test(version)) return null;
  return { sale: target.slice(PREFIX.length, end), version: Number(version) };
}

type Parts = [string, string, string, string, string, string];

const parts = new WeakMap<QueueSnapshot, Parts>();

/** The answer to all who wait, in the order of its fields, without what differs: number, position, ahead, estimate, pace. */
function partsOf(snapshot: QueueSnapshot): Parts {
  const known = parts.get(snapshot);
  if (known) return known;
  const made = JSON.stringify({
    ...waitingStatus(snapshot, 1, 1),
    queueNumber: '@',
    position: '@',
    ahead: '@',
    estimate: '@',
    pollAfterMs: '@',
    // In a text of the organiser's a quotation mark stands escaped: nothing else reads like these.
  }).split('"@"') as Parts;
  parts.set(snapshot, made);
  return made;
}

function refuse(response: ServerResponse, waitMs: number): void {
  const problem = tooManyPolls(waitMs);
  const body = JSON.stringify(problemDocument(problem));
  response.writeHead(problem.status, {
    ...problemHeaders(problem),
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** `rate-limited`, with the time after which the next poll is answered. */
export const tooManyPolls = (waitMs: number): Problem =>
  new Problem('rate-limited', 'This queue ticket asks too often.', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
