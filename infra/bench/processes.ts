import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const READY_TIMEOUT_MS = 60_000;

export type Child = { child: ChildProcess; stop: () => Promise<void> };

/** Starts a file of the benchmark as a process of its own. */
export function startChild(file: URL, env: Record<string, string> = {}, flags: string[] = []): Child {
  const child = fork(fileURLToPath(file), {
    execArgv: ['--import', 'tsx', ...flags],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return { child, stop: () => end(child) };
}

/** Resolves when the child answers at `url` with 200. */
export async function untilReady({ child }: Child, url: string): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  while ((await statusOf(url)) !== 200) {
    if (child.exitCode !== null || performance.now() > until)
      throw new Error('A process of the benchmark did not become ready.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

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
