import { bearer } from '../journeys/http.ts';
import type { RawAnswer } from './raw-socket.ts';
import type { ServiceName, World } from './world.ts';

/** What somebody sends to a service over one connection, and what must come of it. */
export type Attack = {
  /** Of the table of hostile input; `also` for what is not in it. */
  row: number | 'also';
  name: string;
  send: (world: World, at: ServiceName) => string;
  /**
   * What is answered, in order: statuses, with the code of a problem. Empty where the connection just ends; a service that
   * is not named is not asked.
   */
  answers: Partial<Record<ServiceName, string[]>>;
  /** How many requests may reach the booking service through the door; none unless said. */
  reaches?: number;
};

export const both = (...answers: string[]): Attack['answers'] => ({ gateway: answers, booking: answers });
export const gateway = (...answers: string[]): Attack['answers'] => ({ gateway: answers });
export const booking = (...answers: string[]): Attack['answers'] => ({ booking: answers });

/** A request as it goes over the wire. */
export const request = (method: string, target: string, headers: string[] = [], body = ''): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: shop', ...headers, '', body].join('\r\n');

export const JSON_TYPE = 'Content-Type: application/json';
export const lengthOf = (body: string): string => `Content-Length: ${body.length}`;
export const withJson = (body: string): string[] => [JSON_TYPE, lengthOf(body)];
export const authorization = (token: string): string => `Authorization: ${bearer(token).authorization}`;

/** What makes the gateway, or the booking service behind it, take a request for an admitted fan's with this token. */
export const admittedBy = (token: string, { shop }: World, at: ServiceName): string[] =>
  at === 'gateway'
    ? [authorization(token)]
    : [authorization(token), `X-Internal-Key: ${shop.internalSecret}`, 'X-Internal-Admission: live'];

export const asAttacker = (world: World, at: ServiceName): string[] =>
  admittedBy(world.attacker.admissionToken, world, at);

/** `401 gate-required`, `200` … */
export function inShort({ status, body }: RawAnswer): string {
  const code = /"code":"([a-z-]+)"/.exec(body)?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}
