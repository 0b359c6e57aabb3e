import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort, LOOPBACK } from '../../local/ports.mjs';
import { newSecrets } from '../../local/secrets.mjs';
import { QUEUE_TICKET_SECRET } from './fans.ts';

const READY_TIMEOUT_MS = 60_000;

const start = (name: string, env: Record<string, string>, flags: string[] = []): ChildProcess =>
  fork(fileURLToPath(new URL(name, import.meta.url)), {
    execArgv: ['--import', 'tsx', ...flags],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

/** Asks a child for its one answer to one message. */
export async function ask<Answer>(child: ChildProcess, message: object): Promise<Answer> {
  const asked = new AbortController();
  const ended = () => asked.abort(new Error('A process of the benchmark has ended.'));
  child.once('exit', ended);
  try {
    const answered = once(child, 'message', { signal: asked.signal });
    child.send(message);
    const [answer] = (await answered) as [Answer];
    return answer;
  } finally {
    child.off('exit', ended);
  }
}

export type GatewayProcess = {
  child: ChildProcess;
  port: number;
  barePort: number;
  stop: () => Promise<void>;
};

/** A gateway, and the baseline in the same process; or one that another file makes. */
export async function startGateway(
  redisUrl: string,
  env: Record<string, string> = {},
  file = './server.ts',
  flags: string[] = [],
): Promise<GatewayProcess> {
  const [port, barePort, nowhere] = [await freePort(), await freePort(), await freePort()];
  const settings = {
    ...newSecrets(),
    QUEUE_TICKET_SECRET,
    HOST: LOOPBACK,
    PORT: String(port),
    BARE_PORT: String(barePort),
    BOOKING_URL: `http://${LOOPBACK}:${nowhere}`,
    PUBLIC_URL: `http://${LOOPBACK}:${port}`,
    REDIS_URL: redisUrl,
    LOG_LEVEL: 'error',
    NODE_ENV: 'production',
    ...env,
  };
  const child = start(file, settings, flags);
  const until = performance.now() + READY_TIMEOUT_MS;
  while ((await statusOf(`http://${LOOPBACK}:${port}/readyz`)) !== 200) {
    if (child.exitCode !== null || performance.now() > until)
      throw new Error('The gateway did not become ready.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { child, port, barePort, stop: () => end(child) };
}

export function startClient(file = './client.ts'): { child: ChildProcess; stop: () => Promise<void> } {
  const child = start(file, {});
  return { child, stop: () => end(child) };
}

const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    async (response) => {
      await response.body?.cancel();
      return response.status;
    },
    // Not listening yet.
    () => 0,
  );

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(cut);
}
