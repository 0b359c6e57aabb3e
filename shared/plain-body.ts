import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { JSON_BODY_BYTES_MAX } from './json-body.ts';
import { beginUnlessGone } from './standstill.ts';

/** What is answered ahead of the router reads only bodies like these: none, or one of a declared length, read as a whole. */
export function hasPlainBody(headers: IncomingHttpHeaders, method: string): boolean {
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return false;
  const length = headers['content-length'];
  if (method !== 'POST') return length === undefined || length === '0';
  return length !== undefined && Number(length) <= JSON_BODY_BYTES_MAX;
}

/**
 * The whole of a plain body. Whoever goes away in the middle of it has asked nothing; nor has who went behind it while this
 * process stood still.
 */
export function readPlainBody(request: IncomingMessage, done: (body: Buffer) => unknown): void {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  const whole = () => (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
  request.on('end', () => beginUnlessGone(request, performance.now(), () => done(whole())));
}
