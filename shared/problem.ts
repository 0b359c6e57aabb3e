/** Every code the contract knows, with the status it always travels with (RFC 9457, RFC 9110 §15). */
export const problems = {
  'malformed-request': { status: 400, title: 'The request cannot be understood' },
  'gate-required': { status: 401, title: 'Join the queue first' },
  'token-invalid': { status: 401, title: 'The ticket or token is not valid here' },
  'organiser-required': { status: 401, title: 'An organiser key is required' },
  'payment-declined': { status: 402, title: 'The payment was declined' },
  forbidden: { status: 403, title: 'This is not allowed' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This method is not offered here' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'not-open': { status: 409, title: 'The sale is not open yet' },
  'not-your-turn': { status: 409, title: 'It is not your turn yet' },
  'shop-full': { status: 409, title: 'The shop is full for a moment; your turn is kept' },
  'seats-taken': { status: 409, title: 'Someone else was faster' },
  'hold-lost': { status: 409, title: 'The seats are no longer held for you' },
  'in-progress': { status: 409, title: 'The same request is still being worked on' },
  'limit-reached': { status: 409, title: 'The limit of this sale is reached' },
  'already-finished': { status: 409, title: 'You have already finished shopping in this sale' },
  'not-refundable': { status: 409, title: 'This order cannot be refunded' },
  'beacon-not-due': { status: 409, title: 'The draw does not wait for this now' },
  'beacon-too-late': { status: 409, title: 'This value could be known before the lobby was closed' },
  'beacon-given': { status: 409, title: 'The draw has gone on already' },
  'version-conflict': { status: 409, title: 'Someone changed this in the meantime' },
  'sale-ended': { status: 410, title: 'The sale has ended' },
  'turn-missed': { status: 410, title: 'Your turn has passed' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'Send JSON' },
  'invalid-field': { status: 422, title: 'Some fields are not valid' },
  'idempotency-mismatch': { status: 422, title: 'This Idempotency-Key was used for something else' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  unavailable: { status: 503, title: 'Not available for a moment' },
} as const;

export type ProblemCode = keyof typeof problems;

export type FieldError = { field: string; message: string };

export type ProblemOptions = {
  /** Members added to the document, e.g. `errors` or `conflicts`. */
  extra?: Record<string, unknown>;
  /** Seconds, sent as `Retry-After` (RFC 9110 §10.2.3). */
  retryAfterSeconds?: number;
  /** Kept for the log, never shown. */
  cause?: unknown;
};

const UNAVAILABLE_RETRY_SECONDS = 2;

/**
 * An expected failure with a stable code. Whatever is thrown that is not a Problem is a fault of ours and reaches the
 * outside only as `unavailable`.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: (typeof problems)[ProblemCode]['status'];
  readonly extra: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.status = problems[code].status;
    this.extra = options.extra ?? {};
    this.retryAfterSeconds =
      options.retryAfterSeconds ?? (code === 'unavailable' ? UNAVAILABLE_RETRY_SECONDS : undefined);
  }
}

export const invalidFields = (errors: FieldError[]): Problem =>
  new Problem('invalid-field', errors.map((error) => `${error.field}: ${error.message}`).join('; '), {
    extra: { errors },
  });

/** The RFC 9457 document of a problem, as a plain object. */
export const problemDocument = (problem: Problem) => ({
  ...problem.extra,
  type: `urn:admit-one:problem:${problem.code}`,
  title: problems[problem.code].title,
  status: problem.status,
  code: problem.code,
  detail: problem.message,
});

export const problemHeaders = (problem: Problem): Record<string, string> => ({
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  ...(problem.retryAfterSeconds === undefined ? {} : { 'retry-after': String(problem.retryAfterSeconds) }),
});

/** The same problem as a finished response. */
export const problemResponse = (problem: Problem): Response =>
  new Response(JSON.stringify(problemDocument(problem)), {
    status: problem.status,
    headers: problemHeaders(problem),
  });
