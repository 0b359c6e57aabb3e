import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
/** A service that says what it has begun. */
const script = `
  import { Hono } from 'hono';
  import { readPlainBody } from './shared/plain-body.ts';
  import { serve } from './shared/serve.ts';
  const app = new Hono();
  app.post('/:name', async (c) => {
    console.log(c.req.param('name'));
    await c.req.text();
    return c.text('done');
  });
  const plain = (request, response) => {
    if (!request.url.startsWith('/plain')) return false;
    readPlainBody(request, () => {
      console.log(request.url.slice(1));
      response.end('done');
    });
    return '/plain';
  };
  const { port } = await serve(app, { host: '127.0.0.1', port: 0, ahead: [plain] });
  console.log(port);`;
const STANDS_STILL_MS = 1_500;
const BODY = 'x'.repeat(2_000);
/** More than a request takes in before anybody reads it. */
const LARGE = BODY.repeat(100);
const requestOf = (name: string, body = BODY) =>
  `POST /${name} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('what somebody asked who went while the process stood still is not begun; whoever waits is answered', async () => {
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const service = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    service.kill('SIGKILL');
  });
  const begun: string[] = [];
  const lines = createInterface(service.stdout);
  const [port] = await once(lines, 'line');
  lines.on('line', (line) => begun.push(line));
  const ask = async (name: string, body = BODY) => {
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    await new Promise((resolve) => {
      socket.write(requestOf(name, body), resolve);
    });
    return socket;
  };
  const answerTo = async (socket: Awaited<ReturnType<typeof ask>>) => String((await once(socket, 'data'))[0]);

  // One connection is known to the service before, as the gateway's are.
  const [known, before] = [await ask('known'), await ask('before')];
  expect([await answerTo(known), await answerTo(before)]).toEqual([
    expect.stringContaining('done'),
    expect.stringContaining('done'),
  ]);
  service.kill('SIGSTOP');
  known.write(requestOf('gone-1'), () => known.destroy());
  (await ask('gone-2')).destroy();
  (await ask('gone-3')).resetAndDestroy();
  (await ask('plain-gone', LARGE)).destroy();
  before.write(requestOf('waits-1'));
  const refused = connect(Number(port), '127.0.0.1');
  refused.write(`GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n${requestOf('behind-the-last-answer')}`);
  const waits = await ask('waits-2');
  const waitsPlain = await ask('plain-waits', LARGE);
  await delay(STANDS_STILL_MS);
  service.kill('SIGCONT');
  const answers = await Promise.all([before, waits, waitsPlain].map(answerTo));
  expect(answers).toEqual(answers.map(() => expect.stringContaining('done')));
  expect(await answerTo(refused)).toContain('400 Bad Request');
  expect(await answerTo(await ask('after'))).toContain('done');
  // What it says comes another way than what it answers.
  const all = ['after', 'before', 'known', 'plain-waits', 'waits-1', 'waits-2'];
  await expect.poll(() => [...begun].sort()).toEqual(all);
});
