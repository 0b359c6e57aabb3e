import { type Dispatcher, errors, Pool } from 'undici';
import { internalHeaders } from '#shared/internal.ts';
import { Problem, type ProblemCode, problems } from '#shared/problem.ts';
import { secretsOf } from '#shared/secrets.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const KEEP_ALIVE_MS = 30_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Requests of a kind share connections, so that slow ones delay only their like: payments wait for somebody else's
 * answer, shopping for the database, and what the gateway itself asks must be answered at once or not at all.
 */
export const lanes = {
  shop: { connections: 64, answerTimeoutMs: 5_000, requestsMax: 4_000 },
  /** Each of many (gateway/door/holds-together.ts), and open for as long as the slowest of them. */
  holds: { connections: 64, answerTimeoutMs: 5_000, requestsMax: 64 },
  payment: { connections: 256, answerTimeoutMs: 10_000, requestsMax: 2_000 },
  internal: { connections: 16, answerTimeoutMs: 2_000, requestsMax: 500 },
};

export type Lane = keyof typeof lanes;

export type BookingRequest = {
  lane: Lane;
  method: 'GET' | 'POST' | 'DELETE';
  /** Built from a fixed table and validated ids only. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string | null;
  /** Is given the parts of a 200's body as they come; the answer then has none. */
  onPart?: (part: Buffer) => void;
  /** Nobody waits for the answer any more. */
  signal?: AbortSignal;
};

export type BookingAnswer = { status: number; headers: Dispatcher.ResponseData['headers']; body: Buffer };

/** The kept-alive connections to the booking service; every request carries the internal key. */
export type BookingClient = {
  /** Any answer is an answer; throws `unavailable` only when none came in time. */
  request: (request: BookingRequest) => Promise<BookingAnswer>;
  /** For the internal routes: the parsed answer of a 2xx, or the problem the booking service answered with, thrown. */
  call: <Answer>(request: InternalCall) => Promise<Answer>;
  close: () => Promise<void>;
};

export type InternalCall = Omit<BookingRequest, 'body' | 'lane' | 'onPart' | 'signal'> & { json?: unknown };

export function connectBooking(url: string, internalSecret: string): BookingClient {
  const [key] = secretsOf(internalSecret);
  const pools = new Map<Lane, { pool: Pool; underWay: number }>();
  for (const [lane, { connections, answerTimeoutMs }] of Object.entries(lanes)) {
    const pool = new Pool(url, {
      connections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxResponseSize: ANSWER_BYTES_MAX,
    });
    pools.set(lane as Lane, { pool, underWay: 0 });
  }

  const request = async ({
    lane,
    method,
    path,
    headers = {},
    body = null,
    onPart,
    signal,
  }: BookingRequest): Promise<BookingAnswer> => {
    const way = pools.get(lane) as { pool: Pool; underWay: number };
    if (way.underWay >= lanes[lane].requestsMax) throw unavailable('too many requests are under way');
    way.underWay += 1;
    try {
      const options = {
        method,
        path,
        headers: { ...headers, [internalHeaders.key]: key },
        body: body as string | Buffer | null,
      };
      return await dispatch(way.pool, options, onPart, signal);
    } catch (cause) {
      // A header that HTTP cannot carry is the asker's fault, not an absence.
      if (cause instanceof errors.InvalidArgumentError) {
        throw new Problem('malformed-request', 'A header of the request cannot be passed on.', { cause });
      }
      throw unavailable(cause);
    } finally {
      way.underWay -= 1;
    }
  };

  return {
    request,
    async call<Answer>({ json, headers, ...rest }: InternalCall) {
      const answer = await request({
        ...rest,
        lane: 'internal',
        headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
        body: json === undefined ? null : JSON.stringify(json),
      });
      const parsed = answer.body.length > 0 ? JSON.parse(answer.body.toString()) : null;
      if (answer.status >= 300) throw problemOf(parsed);
      return parsed as Answer;
    },
    close: async () => {
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()));
    },
  };
}

/** The whole answer in one piece. undici's own `request` makes a stream of it, which costs a quarter of the door's rate. */
const dispatch = (
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  onPart: BookingRequest['onPart'],
  signal: BookingRequest['signal'],
): Promise<BookingAnswer> =>
  new Promise((resolve, reject) => {
    let status = 0;
    let headers: BookingAnswer['headers'] = {};
    const chunks: Buffer[] = [];
    pool.dispatch(options, {
      // Without it undici takes the handler for one of its older kind.
      onRequestStart: (controller) => {
        if (signal?.aborted) controller.abort(signal.reason);
        else signal?.addEventListener('abort', () => controller.abort(signal.reason));
      },
      onResponseStart: (_controller, statusCode, answered) => {
        // An interim answer (1xx) comes before the one that counts.
        status = statusCode;
        headers = answered;
      },
      onResponseData: (_controller, chunk) => {
        if (onPart && status === 200) onPart(chunk);
        else chunks.push(chunk);
      },
      onResponseEnd: () => {
        resolve({
          status,
          headers,
          body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
        });
      },
      onResponseError: (_controller, error) => reject(error),
    });
  });

export const unavailable = (cause: unknown): Problem =>
  new Problem('unavailable', 'The shop cannot be reached for a moment. Please try again.', { cause });

/** A problem document of the booking service as the problem it stands for. */
function problemOf(document: Record<string, unknown> | null): Problem {
  const { type, title, status, code, detail, ...extra } = document ?? {};
  if (typeof code !== 'string' || !(code in problems)) {
    throw new Problem('unavailable', 'The shop gave no usable answer.', { cause: document });
  }
  return new Problem(code as ProblemCode, String(detail ?? ''), { extra });
}
