import { expect, test } from 'vitest';
import { giveTurns } from '../admission/turn-giver.ts';
import { gatewayBefore } from '../testing/gateway-fixture.ts';
import { saleOfSomeEvent } from '../testing/some-event.ts';

const seats = [1, 2, 3].map((number) => ({
  ...{ id: `A-1-${number}`, section: 'A', row: 1, number, status: 'open', kind: 'standard' },
  price: { amount: 6_500, currency: 'EUR' },
}));

/** In front of a booking service that has refused a seat, and of one that has not heard yet who has it. */
const gatewayBeforeTwo = () =>
  gatewayBefore(({ method, url = '' }, response) => {
    const json = (status: number, answer: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    if (!url.startsWith('/api/')) response.writeHead(503).end();
    else if (method === 'POST') json(409, { code: 'seats-taken', status: 409, conflicts: ['A-1-2'] });
    else json(200, url.includes('/seats') ? { seats } : { holds: [] });
  });

test('a seat that somebody else was just found to have is not offered again, whatever another service still lists', async () => {
  const g = await gatewayBeforeTwo();
  const sale = await saleOfSomeEvent(g);
  const cookies: string[] = [];
  const form = async (path: string, body = '') => {
    const answer = await g.app.request(`/sales/${sale}/${path}`, {
      method: 'POST',
      headers: { cookie: cookies.join('; '), 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    cookies.push(...answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0] as string));
    return answer;
  };
  await form('join');
  await giveTurns(g.store, sale);
  expect((await form('claim')).status).toBe(303);
  const refused = await form('hold', 'choose=seats&section=A&seat=A-1-1&seat=A-1-2');
  expect(refused.status).toBe(409);
  const html = await refused.text();
  const offered = [...html.matchAll(/name="seat" value="([^"]+)"/g)].map(([, seat]) => seat);
  expect(offered).toEqual(['A-1-1', 'A-1-3']);
  expect(html).toMatch(/value="A-1-1"[^>]*checked/);
});
