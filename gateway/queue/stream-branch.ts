import { type Ahead, answerProblem } from '#shared/serve.ts';
import { type Cookies, ticketOfRequest } from './credentials.ts';
import { readEventId } from './fan-stream.ts';
import { PollQuery, tooManyPolls } from './poll-branch.ts';
import type { Queue } from './status.ts';
import type { FanStreams } from './streams.ts';

const ROUTE = '/api/sales/:sale/queue/stream';

/**
 * Streams are opened ahead of the router, on the bare response: through it each would cost three times the memory and a
 * frame five times the time. What brings no ticket of ours, or a version that is none, is left to the route, which says
 * what is wrong.
 */
export function answerStreams(queue: Queue, cookies: Cookies, streams: FanStreams): Ahead {
  const { tickets, limit } = queue;
  return (request, response) => {
    if (request.method !== 'GET') return false;
    const target = /^\/api\/sales\/([^/?]+)\/queue\/stream(?:\?(.*))?$/.exec(request.url as string);
    if (!target) return false;
    const [, sale = '', query = ''] = target;
    const ticket = ticketOfRequest(request.headers, sale, { tickets, cookies });
    const asked = PollQuery.safeParse({ version: new URLSearchParams(query).get('version') ?? undefined });
    if (!ticket || !asked.success) return false;
    const wait = limit.take(ticket, performance.now());
    const eventId = request.headers['last-event-id'];
    const seen = typeof eventId === 'string' ? readEventId(eventId) : null;
    if (wait > 0) answerProblem(response, tooManyPolls(wait));
    else {
      streams.open(response, ticket, {
        version: Math.max(asked.data.version ?? 0, seen?.version ?? 0),
        ended: seen?.ended ?? false,
      });
    }
    return ROUTE;
  };
}
