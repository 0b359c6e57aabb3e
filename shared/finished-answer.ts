import { createHash, type Hash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

const TAG_LENGTH = 22;

/**
 * What is the same for everybody and changes: a shared cache asks once a second, and while it does tells a second longer what
 * it has, so that a crowd does not come with it. While no gateway answers it tells what was last known.
 */
export const CACHED_FOR_A_SECOND = 'public, max-age=1, stale-while-revalidate=1, stale-if-error=300';

/** An answer whose bytes and headers are made once, for as many requests as come. */
export type FinishedAnswer = {
  body: Uint8Array<ArrayBuffer>;
  etag: string;
  headers: Record<string, string>;
  /** Of the 304: the same without those that describe a body (RFC 9110 §15.4.5). */
  notModifiedHeaders: Record<string, string>;
};

/** Finishes a 200. Its entity tag is strong: equal bytes have equal tags, in every process. */
export function finishAnswer(
  body: string | Uint8Array<ArrayBuffer>,
  contentType: string,
  rest: Record<string, string>,
): FinishedAnswer {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return finished(bytes, createHash('sha256').update(bytes), contentType, rest);
}

/** The same for a long body that comes in pieces: other work is done between them. */
export async function finishPieces(
  pieces: AsyncIterable<Uint8Array>,
  contentType: string,
  rest: Record<string, string>,
): Promise<FinishedAnswer> {
  const hash = createHash('sha256');
  const body: Uint8Array[] = [];
  for await (const piece of pieces) {
    hash.update(piece);
    body.push(piece);
  }
  return finished(joined(body), hash, contentType, rest);
}

function joined(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function finished(
  body: Uint8Array<ArrayBuffer>,
  hash: Hash,
  contentType: string,
  rest: Record<string, string>,
): FinishedAnswer {
  const etag = `"${hash.digest('base64url').slice(0, TAG_LENGTH)}"`;
  const notModifiedHeaders = { ...rest, etag };
  return { body, etag, headers: { 'content-type': contentType, ...notModifiedHeaders }, notModifiedHeaders };
}

export const finishJson = (answer: object, cacheControl: string): FinishedAnswer =>
  finishAnswer(JSON.stringify(answer), 'application/json', { 'cache-control': cacheControl });

/** 304 for whoever has these very bytes, else 200. */
export const answerFinished = (finished: FinishedAnswer, ifNoneMatch: string | undefined): Response =>
  isKnown(ifNoneMatch, finished.etag)
    ? new Response(null, { status: 304, headers: finished.notModifiedHeaders })
    : new Response(finished.body, { status: 200, headers: finished.headers });

/** The same, ahead of the router. */
export function writeFinished(
  response: ServerResponse,
  finished: FinishedAnswer,
  ifNoneMatch: string | undefined,
): void {
  if (isKnown(ifNoneMatch, finished.etag)) response.writeHead(304, finished.notModifiedHeaders).end();
  else
    response
      .writeHead(200, { ...finished.headers, 'content-length': finished.body.length })
      .end(finished.body);
}

/** Tags as RFC 9110 §8.8.3 writes them; a comma may stand inside one. */
const tags = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/**
 * Whether If-None-Match names the representation with this tag: `*`, or a list that has it, weak or strong, for the
 * comparison is the weak one (RFC 9110 §13.1.2). What is no list of tags names nothing.
 */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  if (!ifNoneMatch.includes(etag)) return false;
  for (const [, opaque] of ifNoneMatch.matchAll(tags)) if (opaque === etag) return true;
  return false;
}
