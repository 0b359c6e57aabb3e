import { IdempotencyKey } from '#shared/contract/fields.ts';
import { asLoggedProblem } from '#shared/errors.ts';
import { idPattern } from '#shared/ids.ts';
import type { Log } from '#shared/log.ts';
import { hasPlainBody, readPlainBody } from '#shared/plain-body.ts';
import { REQUEST_ID, requestIdOf } from '#shared/request-id.ts';
import { saleOfTarget } from '#shared/sale-target.ts';
import { type Ahead, answerProblem } from '#shared/serve.ts';
import { isCrossSite, ownOrigin, safetyHeaders } from '../door/origin.ts';
import type { Access } from '../limits/access.ts';
import { type Cookies, ticketOfRequest } from './credentials.ts';
import { accessCodeOf, joinFrom } from './join.ts';
import type { Queue } from './status.ts';

/**
 * In the minute of an opening joins are most of what a gateway does, so the plainest of them, a browser's, are answered
 * here, before the router. Whatever is not of that kind is left to the route, which answers the same (a test compares them).
 */
export function answerJoins(options: {
  queue: Queue;
  cookies: Cookies;
  access: Pick<Access, 'join' | 'addressOfRequest' | 'failedAhead'>;
  publicUrl: string;
  log: Log;
}): Ahead {
  const { queue, cookies, access, log } = options;
  const { tickets } = queue;
  const own = ownOrigin(options.publicUrl);
  const safety = Object.entries(safetyHeaders(options.publicUrl));
  const always = ['content-type', 'application/json', 'cache-control', 'no-store', ...safety.flat()];

  return (request, response) => {
    const { method = '', url = '', headers } = request;
    if (method !== 'POST') return false;
    const sale = saleOfTarget(url, SUFFIX);
    if (sale === null || !idPattern.test(sale) || !hasPlainBody(headers, method)) return false;
    // A ticket that is sent on purpose is the route's.
    if (headers.authorization !== undefined) return false;
    if (isCrossSite((name) => headers[name] as string | undefined, own)) return false;

    const key = (headers['idempotency-key'] as string | undefined) ?? null;
    if (key !== null && !IdempotencyKey.safeParse(key).success) return false;

    readPlainBody(request, async (body) => {
      try {
        const accessCode = accessCodeOf(body, headers['content-type']);
        const ticket = ticketOfRequest(headers, sale, { tickets, cookies });
        const address = access.addressOfRequest(request);
        const joined = await joinFrom(queue, access, address, sale, ticket, key, accessCode);
        const json = JSON.stringify(joined.answer);
        response.writeHead(joined.created ? 201 : 200, [
          ...always,
          'set-cookie',
          cookies.write(sale, 'queue', joined.answer.queueTicket),
          'content-length',
          String(Buffer.byteLength(json)),
          REQUEST_ID,
          requestIdOf(request),
        ]);
        // As text it leaves with its head in one piece.
        response.end(json);
      } catch (error) {
        const problem = asLoggedProblem(error, log, { requestId: requestIdOf(request), method, path: url });
        for (const [name, value] of safety) response.setHeader(name, value);
        answerProblem(response, access.failedAhead(request, problem));
      }
    });
    return ROUTE;
  };
}

const ROUTE = '/api/sales/:sale/queue';
const SUFFIX = '/queue';
