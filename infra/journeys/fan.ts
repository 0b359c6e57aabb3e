import { setTimeout as wait } from 'node:timers/promises';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { type Answer, ask, bearer } from './http.ts';

const RETRY_MS = 100;
const POLL_MS_MAX = 400;
/** A gateway answers five polls a second of one queue ticket, and whoever polls in a loop would meet that limit. */
const POLL_MS_MIN = 250;

/** What a fan saw, in order: enough to judge the queue's promises afterwards. */
export type Seen = { queueNumber: number; positions: number[]; readyAt: number; admittedAt: number };

export type Fan = {
  seen: Seen;
  join: () => Promise<StatusAnswer>;
  poll: () => Promise<StatusAnswer>;
  /** Polls until admitted (claiming its turn) or until the entry has ended; returns the last state. */
  queueUp: () => Promise<string>;
  leave: () => Promise<void>;
  /** Any request behind the door. */
  shop: <Body = Record<string, unknown>>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    json?: unknown,
    key?: string,
  ) => Promise<Answer<Body>>;
  admissionToken: () => string;
  /** As the browser that claimed the turn sends it back. */
  admissionCookie: () => string;
};

/**
 * A patient fan of one sale, who asks a random gateway each time, no more often than a page would, retries whatever got no
 * answer or a 503 until `deadlineAt`, and always with the same idempotency key. `asking`: who asks, and may write it down.
 */
export function createFan(
  gatewayUrls: string[],
  sale: string,
  key: string,
  deadlineAt: number,
  joining: { accessCode?: string } = {},
  asking: typeof ask = ask,
): Fan {
  const seen: Seen = { queueNumber: 0, positions: [], readyAt: 0, admittedAt: 0 };
  let queueTicket = '';
  let admissionToken = '';
  let admissionCookie = '';
  let version = 0;
  let polledAt = Number.NEGATIVE_INFINITY;

  const url = (path: string) => {
    const gateway = gatewayUrls[Math.floor(Math.random() * gatewayUrls.length)];
    return `${gateway}/api/sales/${sale}${path}`;
  };

  const persist = async <Body>(request: () => Promise<Answer<Body>>): Promise<Answer<Body>> => {
    for (;;) {
      try {
        const answer = await request();
        if (answer.status !== 503) return answer;
      } catch (error) {
        if (Date.now() > deadlineAt) throw error;
      }
      if (Date.now() > deadlineAt) throw new Error(`fan ${key} got no answer in time`);
      await wait(RETRY_MS);
    }
  };

  const note = (status: StatusAnswer): StatusAnswer => {
    version = Math.max(version, status.version);
    if (status.queueTicket) queueTicket = status.queueTicket;
    if (status.queueNumber !== null) seen.queueNumber = status.queueNumber;
    if (status.position !== null) seen.positions.push(status.position);
    if (status.state === 'ready' && seen.readyAt === 0) seen.readyAt = performance.now();
    return status;
  };

  const expectStatus = (answer: Answer<unknown>, ...statuses: number[]) => {
    if (!statuses.includes(answer.status))
      throw new Error(`fan ${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };

  const fan: Fan = {
    seen,
    admissionToken: () => admissionToken,
    admissionCookie: () => admissionCookie,
    async join() {
      const answer = await persist(() =>
        asking<StatusAnswer>('POST', url('/queue'), { json: joining, headers: { 'idempotency-key': key } }),
      );
      expectStatus(answer, 200, 201);
      return note(answer.body);
    },
    async poll() {
      await wait(Math.max(0, polledAt + POLL_MS_MIN - performance.now()));
      polledAt = performance.now();
      const answer = await persist(() =>
        asking<StatusAnswer>('GET', url(`/queue/me?version=${version}`), { headers: bearer(queueTicket) }),
      );
      expectStatus(answer, 200);
      return note(answer.body);
    },
    async queueUp() {
      for (;;) {
        const status = await fan.poll();
        // Admitted without a token: the answer of its claim was lost.
        if (status.state === 'ready' || (status.state === 'admitted' && admissionToken === '')) {
          const claimed = await persist(() =>
            asking<{ admissionToken: string }>('POST', url('/queue/me/claim'), {
              headers: bearer(queueTicket),
            }),
          );
          if (claimed.status === 200) {
            admissionToken = claimed.body.admissionToken;
            admissionCookie = String(String(claimed.headers['set-cookie']).split(';', 1));
            seen.admittedAt = performance.now();
            return 'admitted';
          }
          expectStatus(claimed, 409, 410);
        } else if (status.state !== 'waiting' && status.state !== 'lobby') {
          return status.state;
        }
        if (Date.now() > deadlineAt)
          throw new Error(`fan ${key} still ${status.state} at ${status.position}`);
        await wait(Math.min(status.pollAfterMs, POLL_MS_MAX));
      }
    },
    async leave() {
      expectStatus(
        await persist(() => asking('DELETE', url('/queue/me'), { headers: bearer(queueTicket) })),
        204,
      );
    },
    shop: (method, path, json, idempotencyKey) =>
      persist(() =>
        ask(method, url(path), {
          json,
          headers: {
            ...bearer(admissionToken),
            ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          },
        }),
      ),
  };
  return fan;
}
