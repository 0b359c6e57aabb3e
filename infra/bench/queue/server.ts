import { Hono } from 'hono';
import { serve } from '#shared/serve.ts';

/**
 * The gateway as it is, and in the same process, on BARE_PORT, the baseline: a Hono app that answers as many bytes with
 * nothing to do. Tells the time its process has used on any message.
 */
const bare = new Hono();
const answer = {
  sale: 'AAAAAAAAAAA',
  saleState: 'open',
  state: 'waiting',
  queueNumber: 512_345,
  position: 512_344,
  ahead: 512_343,
  waiting: 1_000_000,
  admittedPerMinute: 1,
  estimate: null,
  claimBy: null,
  expiresAt: null,
  returning: false,
  notice: null,
  asOf: '2026-06-01T10:00:00.000Z',
  version: 1_234_567,
  pollAfterMs: 15_321,
};
bare.get('/bare', (c) => c.json(answer));
bare.post('/bare', async (c) => {
  await c.req.json();
  return c.json({ ...answer, queueTicket: 'x'.repeat(64) }, 201);
});
await serve(bare, { host: String(process.env.HOST), port: Number(process.env.BARE_PORT) });
await import('../../../gateway/main.ts');

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() });
});
