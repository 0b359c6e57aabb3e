import type { ServerResponse } from 'node:http';
import { HoldRequest } from '#shared/contract/booking.ts';
import { asLoggedProblem } from '#shared/errors.ts';
import {
  type AnsweredHold,
  type AskedHold,
  HOLDS_TOGETHER_BYTES_MAX,
  HOLDS_TOGETHER_MAX,
  HOLDS_TOGETHER_PATH,
} from '#shared/holds-together.ts';
import { internalHeaders } from '#shared/internal.ts';
import { jsonOf } from '#shared/json-body.ts';
import type { Log } from '#shared/log.ts';
import { countOne } from '#shared/metrics/requests.ts';
import { readPlainBody } from '#shared/plain-body.ts';
import { Problem, problemDocument, problemHeaders } from '#shared/problem.ts';
import { newRequestId, REQUEST_ID } from '#shared/request-id.ts';
import { type Ahead, answerProblem } from '#shared/serve.ts';
import { type Admit, requireLive } from '../caller/fan.ts';
import { keyOf } from '../caller/idempotency-key.ts';
import type { IsInternalKey } from '../caller/internal-key.ts';
import { THIS_PROCESS } from '../caller/this-process.ts';
import type { Take } from './take-hold.ts';

const METHOD = 'POST';
const ROUTE = '/api/sales/:sale/holds';
const LENGTH = /^\d{1,9}$/;
const HEADERS = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-store',
  // Of a proxy between the services: an answer is passed on when it comes, and not when all have come.
  'x-accel-buffering': 'no',
  [internalHeaders.process]: THIS_PROCESS,
};

/**
 * Holds that a gateway sends together (shared/holds-together.ts), each judged, carried out, logged and counted as if it had
 * come alone; a test compares the answers. They save the way here: what HTTP and the router cost is paid once for all. Whatever
 * else comes to this address is left to the router, which knows nothing of it.
 */
export function answerHoldsTogether(options: {
  admit: Admit;
  take: Take;
  isInternalKey: IsInternalKey;
  log: Log;
}): Ahead {
  const { admit, take, isInternalKey, log } = options;

  const answerTo = async (place: number, line: string, isHeard: () => boolean): Promise<AnsweredHold> => {
    const startedAt = performance.now();
    const told: Record<string, string> = {};
    const tell = (holdsEndMs: number) => {
      told[internalHeaders.holdEnds] = String(holdsEndMs);
    };
    let [id, requestId] = ['', ''];
    const answered = (status: number, body: object): AnsweredHold => {
      countOne(ROUTE, METHOD, isHeard() ? status : null, startedAt);
      if (log.isLevelEnabled('debug')) {
        const ms = Math.round(performance.now() - startedAt);
        log.debug({ requestId, method: METHOD, route: ROUTE, status, ms }, 'answered');
      }
      return [place, status, told, JSON.stringify(body)];
    };
    try {
      const [saleId, headers, body] = parsed(line);
      id = saleId;
      requestId = headers[REQUEST_ID] ?? newRequestId();
      const { fan, sale } = await admit((name) => headers[name], saleId);
      requireLive(fan);
      const request = jsonOf(Buffer.from(body, 'latin1'), headers['content-type'], HoldRequest);
      const key = keyOf(headers['idempotency-key']);
      const { answer, location } = await take({ fan, sale, request, key }, tell);
      told['content-type'] = 'application/json';
      told.location = location;
      return answered(201, answer);
    } catch (error) {
      const path = `/api/sales/${id}/holds`;
      const problem = asLoggedProblem(error, log, { requestId, method: METHOD, path });
      Object.assign(told, problemHeaders(problem));
      return answered(problem.status, problemDocument(problem));
    }
  };

  return (request, response) => {
    const { method, url, headers } = request;
    if (url !== HOLDS_TOGETHER_PATH || method !== METHOD) return false;
    if (!isInternalKey(headers[internalHeaders.key] as string | undefined)) return false;
    const length = headers['content-length'] ?? '';
    if (!LENGTH.test(length) || Number(length) > HOLDS_TOGETHER_BYTES_MAX) return false;
    readPlainBody(request, (body) => {
      const lines = body.toString('latin1').split('\n');
      if (lines.length > HOLDS_TOGETHER_MAX)
        return answerProblem(response, new Problem('too-large', `These are ${lines.length} holds.`));
      const write = writeTogether(response, lines.length);
      const isHeard = () => !response.destroyed;
      lines.forEach((line, place) => void answerTo(place, line, isHeard).then(write));
    });
    return HOLDS_TOGETHER_PATH;
  };
}

/** What is wrong with it is not told by what stands in it: a token. */
function parsed(line: string): AskedHold {
  try {
    const [sale, headers, body] = JSON.parse(line) as AskedHold;
    const isAsked = typeof sale === 'string' && headers instanceof Object && typeof body === 'string';
    if (isAsked) return [sale, headers, body];
  } catch {
    // Nor is what is no JSON at all.
  }
  throw new Problem('malformed-request', 'A line is not a hold that is asked for.');
}

/** Answers that are there at one moment, as those of one call to the database are, go off at once; none waits for another. */
function writeTogether(response: ServerResponse, count: number): (answer: AnsweredHold) => void {
  let text = '';
  let left = count;
  const write = () => {
    if (!response.headersSent) response.writeHead(200, HEADERS);
    if (left === 0) response.end(text);
    else response.write(text);
    text = '';
  };
  return (answer) => {
    left -= 1;
    if (text === '') process.nextTick(write);
    text += `${JSON.stringify(answer)}\n`;
  };
}
