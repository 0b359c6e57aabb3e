import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBooking, type TestBooking, type TestFan } from './testing/booking.ts';

let booking: TestBooking;
let fan: TestFan;

beforeAll(async () => {
  booking = await startBooking();
  const event = await booking.makeEvent([{ name: 'A', rows: 1, seatsPerRow: 5, amount: 5_000 }]);
  fan = await booking.admit((await booking.makeSale(event.event)).sale);
});

afterAll(() => booking.stop());

const json = { 'content-type': 'application/json' };
const post = (body: string, headers: Record<string, string> = json) =>
  fan.request('POST', '/holds', { body, headers });

describe('a body', () => {
  test.each([
    ['that is not JSON', '{"seats": [', 400, 'malformed-request'],
    ['in broken UTF-8', '{"seats": ["\ud800"]}', 422, 'invalid-field'],
    ['with a number beyond any', '{"best": {"quantity": 1e400}}', 422, 'invalid-field'],
    ['ten thousand deep', '['.repeat(10_000) + ']'.repeat(10_000), 422, 'invalid-field'],
    ['with a NUL', '{"seats": ["A-1-1\\u0000"]}', 422, 'invalid-field'],
    ['with SQL in it', `{"seats": ["A-1-1'; drop table seat; --"]}`, 422, 'invalid-field'],
    ['that is an array', '[]', 422, 'invalid-field'],
    ['that is null', 'null', 422, 'invalid-field'],
    ['beyond the limit', `{"seats": ["${'A'.repeat(70_000)}"]}`, 413, 'too-large'],
  ])('%s is refused', async (_, body, status, code) => {
    expect(await post(body)).toMatchObject({ status, body: { code } });
  });

  test('of another type is refused', async () => {
    const answer = await post('{"seats": ["A-1-1"]}', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported-media-type' } });
  });
});

describe('a path', () => {
  test('that is unknown is a problem document', async () => {
    const answer = await fan.request('GET', '/nothing');
    expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('asked with another method says which there are', async () => {
    const answer = await fan.request('PUT', '/holds');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'POST']);
  });

  test('of a sale that is not there is not found', async () => {
    const stranger = await booking.admit('unknown');
    expect((await stranger.request('GET', '/seats')).status).toBe(404);
  });
});

test.each([
  ['DELETE', '/holds/%00'],
  ['GET', '/orders/%E0%A4%A'],
  ['GET', '/orders/%00'],
])('%s %s is not found and no fault of ours', async (method, path) => {
  expect((await fan.request(method, path)).status).toBe(404);
});
