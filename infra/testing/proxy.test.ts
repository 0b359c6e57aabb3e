import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProxy, type TcpProxy } from './proxy.ts';

let server: Server;
let proxy: TcpProxy;
let asked: string[];
const open: Socket[] = [];
beforeEach(async () => {
  asked = [];
  open.length = 0;
  // Answers each line with itself.
  server = createServer((socket) => {
    open.push(socket);
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      asked.push(text);
      socket.write(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startProxy(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
});
afterEach(() => {
  proxy.close();
  for (const socket of open) socket.destroy();
  server.close();
});

/** What is heard until the connection ends or the whole of the question has come back. */
function say(text: string): Promise<string> {
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  let heard = '';
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
      if (heard.length >= text.length) socket.destroy();
    });
    socket.on('close', () => resolve(heard));
    socket.write(text);
  });
}

test('a way that is ill passes on the same bytes in the same order', async () => {
  const text = Array.from({ length: 400 }, (_, i) => `${i},`).join('');
  for (const ill of [{}, { sliceBytes: 1 }, { delayMs: 20 }, { delayMs: 5, sliceBytes: 3 }]) {
    proxy.ail(ill);
    expect(await say(text)).toBe(text);
  }
});

test('a reply that is cut was asked for, and nobody hears of it', async () => {
  proxy.ail({ cutReplyEvery: 2 });
  expect(await say('one')).toBe('one');
  expect(await say('two')).toBe('');
  expect(asked).toEqual(['one', 'two']);
});

test('a stalled way takes everything in and gives nothing out, until it is cut', async () => {
  proxy.stall();
  const stalled = say('one');
  await expect.poll(() => open.length).toBe(1);
  expect(asked).toEqual([]);
  proxy.cut();
  expect(await stalled).toBe('');
  expect(await say('two')).toBe('two');
});

test('who left while the way was stalled is gone for the other side when it is cut', async () => {
  proxy.stall();
  const gone = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  await expect.poll(() => open.length).toBe(1);
  // It closes when the proxy has closed its own end, too.
  await once(gone.resume().end(), 'close');
  proxy.cut();
  await expect.poll(() => open.every(({ destroyed }) => destroyed)).toBe(true);
});
