import { Agent, request } from 'undici';

/** Nobody waits longer; whoever has no answer by then has met a fault. */
export const ANSWER_MS_MAX = 15_000;

export type Op =
  | 'join'
  | 'poll'
  | 'claim'
  | 'leave the queue'
  | 'hold'
  | 'hold the best'
  | 'release'
  | 'order'
  | 'order, answered later'
  | 'look at seats'
  | 'look at holds'
  | 'look at an order'
  | 'block'
  | 'unblock'
  | 'refund'
  | 'pause'
  | 'look at a sale'
  | 'change the pace'
  | 'resume'
  | 'resend';

/** What was asked: enough to judge the answer by afterwards. */
export type Question = {
  op: Op;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  token: string;
  sale: string;
  /** Who it is in the books: the fan's entry, or an organiser; in the queue, the fan. */
  who: string;
  /** The fan whose visit it is part of, queue and shop. */
  fan?: string | undefined;
  key?: string | undefined;
  prefer?: string | undefined;
  json?: unknown;
  /** When the asker cuts the connection, if it has not been answered by then. */
  cutAfterMs?: number | undefined;
};

export type Body = Record<string, unknown>;

export type Asked = Question & {
  /** Epoch milliseconds, as the database's clock says them. */
  sentAt: number;
  tookMs: number;
  /** `unknown`: nothing was heard; 503 is an answer, but what it was about may have happened all the same. */
  outcome: 'done' | 'refused' | 'unknown';
  /** 0 without an answer. */
  status: number;
  code: string;
  retryAfter: number;
  body: Body;
  /** Why there was no answer, if not because the asker cut it. */
  broken: string | null;
};

export type History = {
  all: Asked[];
  ask: (question: Question) => Promise<Asked>;
};

export function createHistory(): History {
  const browsers = new Agent({ headersTimeout: ANSWER_MS_MAX, bodyTimeout: ANSWER_MS_MAX });
  const all: Asked[] = [];

  const ask = async (question: Question): Promise<Asked> => {
    const { method, url, token, key, prefer, json, cutAfterMs } = question;
    const sentAt = Date.now();
    const startedAt = performance.now();
    const answered = (
      rest: Pick<Asked, 'outcome' | 'status' | 'code' | 'body' | 'broken' | 'retryAfter'>,
    ) => {
      const asked = { ...question, sentAt, tookMs: performance.now() - startedAt, ...rest };
      all.push(asked);
      return asked;
    };
    try {
      const response = await request(url, {
        method,
        dispatcher: browsers,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...(prefer === undefined ? {} : { prefer }),
        },
        body: json === undefined ? null : JSON.stringify(json),
        ...(cutAfterMs === undefined ? {} : { signal: AbortSignal.timeout(cutAfterMs) }),
      });
      const text = await response.body.text();
      const body = (text === '' ? {} : JSON.parse(text)) as Body;
      const status = response.statusCode;
      return answered({
        outcome: status < 400 ? 'done' : status < 500 ? 'refused' : 'unknown',
        status,
        code: String(body.code ?? ''),
        retryAfter: Number(response.headers['retry-after'] ?? 0),
        // Whole maps are many, and nobody judges them.
        body: question.op === 'look at seats' ? {} : body,
        broken: null,
      });
    } catch (error) {
      const isCut =
        cutAfterMs !== undefined && cutAfterMs < ANSWER_MS_MAX && (error as Error).name === 'TimeoutError';
      return answered({
        ...{ outcome: 'unknown', status: 0, code: '', retryAfter: 0, body: {} },
        broken: isCut ? null : String(error),
      });
    }
  };
  return { all, ask };
}
