import { z } from 'zod';
import { counter } from '#shared/metrics/registry.ts';
import { Problem } from '#shared/problem.ts';
import { REQUEST_ID, requestIdOf } from '#shared/request-id.ts';
import { type Ahead, answerProblem } from '#shared/serve.ts';
import { countHit } from '../limits/hit.ts';
import { type Cookies, ticketOfRequest } from './credentials.ts';
import type { Queue } from './status.ts';
import { waitingAnswer, waitingPosition } from './waiting-answer.ts';
import { isCurrent } from './watch.ts';

/** What polls and streams may say beside; whatever else stands there is nobody's. */
export const PollQuery = z.object({
  version: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});

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
    const ticket = ticketOfRequest(request.headers, sale, { tickets, cookies });
    const snapshot = watch.remembered(sale);
    if (!ticket || ticket.queueNumber === null || !snapshot) return false;
    if (!isCurrent(snapshot) || snapshot.version < version) return false;
    const { queueNumber } = ticket;
    const position = waitingPosition(snapshot, ticket);
    if (position === null) return false;

    const nowMs = performance.now();
    load.count(nowMs);
    const wait = limit.take(ticket, nowMs);
    if (wait > 0) {
      answerProblem(response, tooManyPolls(wait));
      return ROUTE;
    }
    polls.count(sale, 'ahead');
    presence.mark(sale, queueNumber);
    const { json, encoding, pollAfterMs } = waitingAnswer(snapshot, queueNumber, position, load.factor());
    const body = Buffer.from(json, encoding);
    response.writeHead(200, [
      'content-type',
      'application/json',
      'cache-control',
      'no-store',
      'retry-after',
      String(Math.ceil(pollAfterMs / 1000)),
      'content-length',
      String(body.length),
      REQUEST_ID,
      requestIdOf(request),
    ]);
    response.end(body);
    return ROUTE;
  };
}

const polls = counter(
  'admit_one_polls_total',
  'Polls of a sale: answered ahead of the router, or by the route, which may ask Redis.',
  ['sale', 'way'],
);

/** One that is answered by the route. */
export const countRoutedPoll = (sale: string): void => polls.count(sale, 'route');

const ROUTE = '/api/sales/:sale/queue/me';
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

/** `rate-limited`, with the time after which the next poll is answered. */
export function tooManyPolls(waitMs: number): Problem {
  countHit('polls');
  return new Problem('rate-limited', 'This queue ticket asks too often.', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
}
