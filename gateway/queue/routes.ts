import { Hono } from 'hono';
import { JSON_BODY_BYTES_MAX, readBody, validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import type { Access } from '../limits/access.ts';
import { type Cookies, requireTicket, ticketInCookie } from './credentials.ts';
import { accessCodeOf, joinFrom, joinKeyOf } from './join.ts';
import { countRoutedPoll, PollQuery, tooManyPolls } from './poll-branch.ts';
import { type Queue, readStatus } from './status.ts';

/** Joining and asking where one stands, under /api/sales/:sale/queue. */
export function queueRoutes({ queue, cookies, access }: { queue: Queue; cookies: Cookies; access: Access }) {
  const { tickets } = queue;
  const app = new Hono();

  // A browser's is answered ahead of the router (join-branch.ts).
  app.post('/', async (c) => {
    const sale = c.req.param('sale') as string;
    const key = joinKeyOf(c.req.header('idempotency-key'));
    const body = await readBody(c.req.raw, JSON_BODY_BYTES_MAX);
    const accessCode = accessCodeOf(body, c.req.header('content-type'));
    // A stale cookie must not keep anybody from joining; a ticket that is sent on purpose must be right.
    const bearer = c.req.header('authorization') !== undefined;
    const ticket = bearer ? requireTicket(c, { tickets, cookies }) : ticketInCookie(c, { tickets, cookies });
    const joined = await joinFrom(queue, access, access.addressOf(c), sale, ticket, key, accessCode);
    const cookie = cookies.write(sale, 'queue', joined.answer.queueTicket);
    return personal(joined.answer, joined.created ? 201 : 200, { 'set-cookie': cookie });
  });

  app.get('/me', async (c) => {
    const { version } = validate(PollQuery, { version: c.req.query('version') });
    const ticket = requireTicket(c, { tickets, cookies });
    const wait = queue.limit.take(ticket, performance.now());
    if (wait > 0) throw tooManyPolls(wait);
    const status = await readStatus(queue, ticket, version ?? null);
    countRoutedPoll(ticket.sale);
    return personal(status, 200, {
      'retry-after': String(Math.ceil(status.pollAfterMs / 1000)),
      ...(status.queueTicket
        ? { 'set-cookie': cookies.write(ticket.sale, 'queue', status.queueTicket) }
        : {}),
    });
  });

  // Streams are answered ahead of the router (stream-branch.ts): here is said why one was not. HEAD comes this way too.
  app.get('/stream', (c) => {
    validate(PollQuery, { version: c.req.query('version') });
    requireTicket(c, { tickets, cookies });
    if (c.req.method === 'HEAD')
      return c.body(null, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    throw new Problem(
      'malformed-request',
      'A stream is opened by its address as it is documented; this one is spelled otherwise.',
    );
  });

  return app;
}

/** Headers as a plain object are written as they are; through the context each answer makes a list of them, and copies it. */
const personal = (body: object, status: 200 | 201, headers: Record<string, string>): Response =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  });
