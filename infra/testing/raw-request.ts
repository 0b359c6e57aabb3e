import { type IncomingHttpHeaders, request } from 'node:http';
import type { Hono } from 'hono';
import type { Env } from 'hono/types';
import { type Ahead, type RunningServer, serve } from '#shared/serve.ts';

export type RawHeaders = Record<string, string | string[]>;
export type RawRequest = { method?: string; headers?: RawHeaders; body?: string };
export type RawAnswer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** One request, written as it stands: fetch would tidy up its target and its headers. */
export const rawRequest = (
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
        }),
      );
    })
      .on('error', reject)
      .end(body);
  });

/** The same as the app gets it, for `app.request`: a header that is given twice stays two. */
export const asInit = ({ method = 'GET', headers = {}, body }: RawRequest = {}) => ({
  method,
  headers: Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  ),
  ...(body === undefined ? {} : { body }),
});

export type CountedServer = RunningServer & { answeredAhead: () => number };

/** An app with what answers ahead of it, and how many requests that has answered so far. */
export async function serveCounted<E extends Env>(app: Hono<E>, ahead: Ahead[]): Promise<CountedServer> {
  let answered = 0;
  const counted: Ahead = (incoming, response) => {
    for (const answer of ahead) {
      const route = answer(incoming, response);
      if (route === false) continue;
      answered += 1;
      return route;
    }
    return false;
  };
  const server = await serve(app, { host: '127.0.0.1', port: 0, ahead: [counted] });
  return { ...server, answeredAhead: () => answered };
}
