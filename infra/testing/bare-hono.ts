import { Hono } from 'hono';
import { serve } from '#shared/serve.ts';

/** The least a Hono service can do, to measure the rest against: run as a process with PORT and HOST. */
const app = new Hono();
app.get('/readyz', (c) => c.json({ status: 'ready' }));
await serve(app, { host: String(process.env.HOST), port: Number(process.env.PORT) });
process.once('SIGTERM', () => process.exit(0));
