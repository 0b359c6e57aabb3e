import { Agent, request } from 'undici';

/** An answer, read whole. */
export type Answer<Body = Record<string, unknown>> = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Body;
};

const ANSWER_TIMEOUT_MS = 15_000;

/** As many connections as there are requests at once: every fan has a browser of their own. */
const browsers = new Agent({ headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS });

/** One JSON request; whatever the status, an answer. Rejects only when there is none. */
export async function ask<Body = Record<string, unknown>>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  { json, headers = {} }: { json?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer<Body>> {
  const response = await request(url, {
    method,
    headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
    body: json === undefined ? null : JSON.stringify(json),
    dispatcher: browsers,
  });
  const text = await response.body.text();
  const isJson = /json/.test(String(response.headers['content-type']));
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as Body,
  };
}

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
