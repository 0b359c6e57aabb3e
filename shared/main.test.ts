import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
const script = `
  import { runUntilStopped } from './shared/main.ts';
  await runUntilStopped(async (life) => {
    life.goBy({ NODE_ENV: process.env.NODE_ENV, DRAIN_SECONDS: 0 });
    const lives = setInterval(() => undefined, 1_000);
    return [async () => clearInterval(lives)];
  });
  console.log('runs');`;
const DEBUGGER = 'Debugger listening';

/** What a service says to SIGUSR1, on a port that is free for a debugger; and how it ends after that. */
async function saidToSignal(mode: string): Promise<{ said: string; code: number }> {
  const args = ['--inspect-port=0', '--import', 'tsx', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH, NODE_ENV: mode } });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  await once(child.stdout, 'data');
  child.kill('SIGUSR1');
  if (mode !== 'production') await expect.poll(() => said, { timeout: 10_000 }).toContain(DEBUGGER);
  child.kill('SIGTERM');
  const [code] = await once(child, 'close');
  return { said, code };
}

test('in production no signal lets a debugger in; elsewhere it does', async () => {
  expect(await saidToSignal('production')).toEqual({ said: '', code: 0 });
  expect(await saidToSignal('development')).toMatchObject({
    said: expect.stringContaining(DEBUGGER),
    code: 0,
  });
});
