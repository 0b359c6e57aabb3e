import type { IncomingMessage } from 'node:http';
import { type AdmissionTokenVerifier, bearerToken } from '#shared/admission-token.ts';
import { asLoggedProblem } from '#shared/errors.ts';
import type { Log } from '#shared/log.ts';
import { hasPlainBody, readPlainBody } from '#shared/plain-body.ts';
import type { Problem } from '#shared/problem.ts';
import { REQUEST_ID, requestIdOf } from '#shared/request-id.ts';
import { type Ahead, answerProblem } from '#shared/serve.ts';
import type { Cookies } from '../queue/credentials.ts';
import type { Door, DoorRequest } from './door.ts';
import { isCrossSite, ownOrigin, safetyHeaders } from './origin.ts';
import { type DoorRoute, doorRoutes } from './route-table.ts';

/**
 * What admitted fans ask of the shop is most of what a gateway does once the doors are open, so the plainest of it is
 * passed on here, before the router: a token that has been verified before, an address in its one plain spelling, a body of
 * declared length. Whatever is not of that kind is left to the route, which answers the same (a test compares them).
 */
export function answerShoppers(options: {
  door: Door;
  cookies: Cookies;
  verify: AdmissionTokenVerifier;
  publicUrl: string;
  /** What a request from this client that fails with this problem is answered. */
  failed: (request: IncomingMessage, problem: Problem) => Problem;
  log: Log;
}): Ahead {
  const { door, cookies, verify, failed, log } = options;
  const own = ownOrigin(options.publicUrl);
  const safety = Object.entries(safetyHeaders(options.publicUrl));

  return (request, response) => {
    const { headers, method = '', url = '' } = request;
    const target = targetOf(method, url);
    if (!target || !hasPlainBody(headers, method)) return false;
    const { authorization } = headers;
    const header = (name: string) => headers[name] as string | undefined;
    if (authorization === undefined && method !== 'GET' && isCrossSite(header, own)) return false;
    const token =
      authorization === undefined
        ? cookies.readAdmission(headers, target.params.sale)
        : bearerToken(authorization);
    const claims = token === null ? null : verify.known(token);
    if (claims?.sale !== target.params.sale) return false;

    const requestId = requestIdOf(request);
    const fail = (error: unknown) => {
      const problem = asLoggedProblem(error, log, { requestId, method, path: target.path });
      for (const [name, value] of safety) response.setHeader(name, value);
      answerProblem(response, failed(request, problem));
    };
    const pass = async (body: DoorRequest['body']) => {
      try {
        const answer = await door.pass({ ...target, token, claims, header, body, requestId });
        for (const [name, value] of safety) answer.headers[name] = value;
        answer.headers[REQUEST_ID] = requestId;
        // RFC 9110 §8.6: neither a 204 nor a 304 says a length.
        if (answer.status !== 204 && answer.status !== 304)
          answer.headers['content-length'] = String(answer.body.length);
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      } catch (error) {
        fail(error);
      }
    };
    if (method === 'POST') readPlainBody(request, pass);
    else void pass(null);
    return target.route.path;
  };
}

type Target = Pick<DoorRequest, 'route' | 'params' | 'query'> & { path: string };

const PREFIX = '/api/sales/';
const byShape = new Map<string, { route: DoorRoute; parameter: string | null }>();
for (const route of Object.values(doorRoutes)) {
  const [, first = '', parameter = null] =
    /^\/api\/sales\/:sale\/([a-z]+)(?:\/:([a-z]+))?$/.exec(route.path) ?? [];
  byShape.set(`${route.method} ${first}${parameter === null ? '' : '/'}`, { route, parameter });
}

/** The door's route of a target in its one plain spelling; null for any other. */
function targetOf(method: string, url: string): Target | null {
  if (!url.startsWith(PREFIX)) return null;
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  const [sale = '', name = '', id, more] = path.slice(PREFIX.length).split('/', 4);
  const shape = byShape.get(`${method} ${name}${id === undefined ? '' : '/'}`);
  if (!shape || more !== undefined) return null;
  const params: Target['params'] = { sale };
  if (shape.parameter !== null) params[shape.parameter] = id as string;
  const query = mark === -1 ? {} : { query: new URLSearchParams(url.slice(mark + 1)) };
  return { route: shape.route, params, path, ...query };
}
