import { sleep } from 'k6';
import http from 'k6/http';
import type { AnswerRecord, Step } from '../../infra/history/record.ts';
import { recordAnswer } from './record.ts';
import { ANSWER_TIMEOUT, shopUrl } from './settings.ts';

const RETRIES_MAX = 20;
const RETRY_SECONDS = 1;
const UNAVAILABLE = 503;

/** Every status of the contract is an answer that k6 expects; the rest fails `http_req_failed`. */
export const expected = http.expectedStatuses({ min: 200, max: 499 }, UNAVAILABLE);

export type Answer = {
  status: number;
  body: Record<string, unknown>;
  retrySeconds: number;
  location: string;
};

export type Status = {
  state: string;
  queueNumber: number | null;
  position: number | null;
  pollAfterMs: number;
  version: number;
  claimBy: string | null;
};

type Request = {
  method?: string;
  path: string;
  json?: object;
  token?: string;
  key?: string;
  async?: boolean;
  /** What is known of the request, recorded whatever the answer is. */
  known?: Partial<AnswerRecord>;
  /** What the judge needs of an answer that is a success. */
  facts?: (body: Record<string, unknown>) => Partial<AnswerRecord>;
};

const msOf = (time: unknown): number => Date.parse(String(time));
const msOrNull = (time: unknown): number | null => (typeof time === 'string' ? msOf(time) : null);

/**
 * One fan of one sale, with a browser of their own. Every request is recorded with what the judge needs of its answer.
 * Where there is no answer, or 503, the fan asks again with the same keys, as the page does.
 */
export class Fan {
  readonly name: string;
  readonly email: string;
  private readonly sale: string;
  private queueTicket = '';
  private admissionToken = '';
  private version = 0;
  private isAdmitted = false;
  /** Of the last answer. */
  lastStatus = 0;
  lastTookMs = 0;

  constructor(sale: string, name: string) {
    this.sale = sale;
    this.name = name;
    this.email = `${name}.${sale.toLowerCase()}@example.org`;
  }

  /** Takes a place; doing it again finds the same one. Null when the sale takes nobody any more. */
  join(): Status | null {
    const answer = this.persist('join', {
      path: '/queue',
      json: {},
      key: `${this.name}-${this.sale}`,
      facts: statusFacts,
    });
    return this.noteStatus(answer);
  }

  poll(): Status | null {
    const path = `/queue/me?version=${this.version}`;
    const answer = this.persist('poll', { method: 'GET', path, token: this.queueTicket, facts: statusFacts });
    return this.noteStatus(answer);
  }

  /**
   * Polls as the shop says until the turn has come (`ready`) or the entry has ended, or until `goOn` says no; resolves to
   * the last state.
   */
  waitForTurn(goOn: (status: Status) => boolean): string {
    let status = this.poll();
    while (status && (status.state === 'waiting' || status.state === 'lobby' || status.state === 'missed')) {
      if (!goOn(status)) break;
      sleep(status.pollAfterMs / 1000);
      status = this.poll();
    }
    return status?.state ?? 'unknown';
  }

  /** Whether the fan is in the shop from now on. */
  claim(): boolean {
    const answer = this.persist('claim', {
      path: '/queue/me/claim',
      json: {},
      token: this.queueTicket,
      facts: ({ expiresAt }) => ({ expires: msOf(expiresAt) }),
    });
    if (answer.status !== 200) return false;
    this.admissionToken = String(answer.body.admissionToken);
    this.isAdmitted = true;
    return true;
  }

  /** Gives the place or the room back. */
  leave(): Answer {
    return this.persist('leave', { method: 'DELETE', path: '/queue/me', token: this.queueTicket });
  }

  openSeats(limit = 100): string[] {
    const path = `/seats?status=open&limit=${limit}`;
    const answer = this.persist('look', { method: 'GET', path, token: this.admissionToken });
    const seats = (answer.body.seats ?? []) as { id: string }[];
    return seats.map(({ id }) => id);
  }

  /** Holds named seats, or the best; the answer carries `hold` and `seats` when it is 201. */
  hold(wanted: { seats: string[] } | { best: { quantity: number } }, key: string): Answer {
    return this.persist('hold', {
      path: '/holds',
      json: wanted,
      token: this.admissionToken,
      key,
      facts: ({ hold, seats, expiresAt }) => ({
        hold: String(hold),
        seats: ((seats ?? []) as { seat: string }[]).map(({ seat }) => seat),
        expires: msOf(expiresAt),
      }),
    });
  }

  release(hold: string): Answer {
    const path = `/holds/${hold}`;
    return this.persist('release', {
      method: 'DELETE',
      path,
      token: this.admissionToken,
      known: { hold },
    });
  }

  /**
   * Pays for a hold, and asks again with the same key until it is known how that ended. With `async` the shop may take
   * the order now and book it later; the fan then asks what became of it.
   */
  pay(hold: string, paymentToken: string, key: string, async = false): Answer {
    const order = {
      hold,
      buyer: { name: this.name, email: this.email },
      payment: { token: paymentToken },
    };
    const known = { hold, key, email: this.email };
    const request: Request = {
      path: '/orders',
      json: order,
      token: this.admissionToken,
      key,
      async,
      known,
      facts: ({ order: id, tickets }) => ({ order: String(id), seats: seatsOf(tickets) }),
    };
    let answer = this.persist('pay', request);
    for (let tries = 1; answer.body.code === 'in-progress' && tries < RETRIES_MAX; tries += 1) {
      sleep(Math.max(RETRY_SECONDS, answer.retrySeconds));
      answer = this.persist('pay', request);
    }
    return answer.status === 202 ? this.outcome(answer, known) : answer;
  }

  private outcome({ location }: Answer, known: Partial<AnswerRecord>): Answer {
    const path = location.slice(location.indexOf('/orders/'));
    const look = () =>
      this.persist('outcome', {
        method: 'GET',
        path,
        token: this.admissionToken,
        known,
        facts: ({ order, state, tickets }) => ({
          order: String(order),
          orderState: String(state),
          seats: seatsOf(tickets),
        }),
      });
    let answer = look();
    for (let tries = 1; answer.body.state === 'inProgress' && tries < 3 * RETRIES_MAX; tries += 1) {
      sleep(RETRY_SECONDS);
      answer = look();
    }
    return answer;
  }

  /** What the fan knows from an answer about their place; null when it is none. */
  noteStatus({ status, body }: Pick<Answer, 'status' | 'body'>): Status | null {
    if (status !== 200 && status !== 201) return null;
    this.version = Math.max(this.version, Number(body.version));
    if (typeof body.queueTicket === 'string') this.queueTicket = body.queueTicket;
    return body as unknown as Status;
  }

  /** Asks until there is an answer other than "not available for a moment", for a bounded number of times. */
  private persist(step: Step, request: Request): Answer {
    let answer = this.ask(step, request);
    for (
      let tries = 1;
      (answer.status === 0 || answer.status === UNAVAILABLE) && tries < RETRIES_MAX;
      tries += 1
    ) {
      sleep(Math.max(RETRY_SECONDS, answer.retrySeconds));
      answer = this.ask(step, request);
    }
    return answer;
  }

  private ask(step: Step, { method = 'POST', path, json, token, key, async, known, facts }: Request): Answer {
    const headers: Record<string, string> = {};
    if (json) headers['content-type'] = 'application/json';
    if (token) headers.authorization = `Bearer ${token}`;
    if (key) headers['idempotency-key'] = key;
    if (async) headers.prefer = 'respond-async';
    const sentAt = Date.now();
    const response = http.request(
      method,
      `${shopUrl()}/api/sales/${this.sale}${path}`,
      json ? JSON.stringify(json) : null,
      {
        headers,
        tags: { name: step },
        timeout: ANSWER_TIMEOUT,
        responseCallback: expected,
      },
    );
    const tookMs = Date.now() - sentAt;
    this.lastStatus = response.status;
    this.lastTookMs = tookMs;
    const isJson = /json/.test(response.headers['Content-Type'] ?? '');
    const body = (isJson ? response.json() : {}) as Record<string, unknown>;
    const isSuccess = response.status >= 200 && response.status < 300;
    recordAnswer({
      fan: this.name,
      step,
      sentAt,
      tookMs,
      status: response.status,
      ...(body.code === undefined ? {} : { code: String(body.code) }),
      ...known,
      ...(isSuccess ? facts?.(body) : {}),
    });
    const retrySeconds = Number(response.headers['Retry-After'] ?? 0);
    return { status: response.status, body, retrySeconds, location: response.headers.Location ?? '' };
  }

  get admitted(): boolean {
    return this.isAdmitted;
  }

  get tokens(): { queueTicket: string; admissionToken: string } {
    return { queueTicket: this.queueTicket, admissionToken: this.admissionToken };
  }
}

const seatsOf = (tickets: unknown): string[] =>
  ((tickets ?? []) as { seat: string }[]).map(({ seat }) => seat);

export const statusFacts = (body: Record<string, unknown>): Partial<AnswerRecord> => ({
  // As the draw's page names the fan (gateway/queue/ticket.ts: version.sale.entry.…).
  ...(typeof body.queueTicket === 'string' ? { entry: body.queueTicket.split('.')[2] } : {}),
  state: String(body.state),
  queueNumber: body.queueNumber as number | null,
  position: body.position as number | null,
  asOf: msOf(body.asOf),
  claimBy: msOrNull(body.claimBy),
  returning: body.returning === true,
});
