import { expect } from 'vitest';
import type { createApp } from '../app.ts';
import type { Answer, TestFan } from './booking.ts';

/** What a fan does on the way to a ticket, with the answers the test is not about. */
export async function holdSeats(fan: TestFan, ...seats: string[]): Promise<string> {
  const answer = await fan.request('POST', '/holds', { json: { seats } });
  expect(answer.status).toBe(201);
  return String(answer.body.hold);
}

export const buyer = { name: 'Ada', email: 'ada@example.org' };

export type OrderOptions = {
  key?: string;
  token?: string;
  email?: string;
  headers?: Record<string, string>;
  app?: ReturnType<typeof createApp>['app'];
};

/** Asks for an order. The buyer's address is the fan's own unless one is given, so that fans are different buyers. */
export function placeOrder(fan: TestFan, hold: string, options: OrderOptions = {}): Promise<Answer> {
  const {
    key = 'one',
    token = 'tok_ok',
    email = `${fan.id.toLowerCase()}@example.org`,
    headers = {},
    app,
  } = options;
  return fan.request('POST', '/orders', {
    json: { hold, buyer: { ...buyer, email }, payment: { token } },
    headers: { 'idempotency-key': key, ...headers },
    ...(app && { app }),
  });
}
