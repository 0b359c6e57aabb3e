import { EnvError } from './env.ts';

const STOP_TIMEOUT_MS = 15_000;

/**
 * Runs a service until SIGINT or SIGTERM: `start` resolves to what must be closed, in that order. A missing variable or
 * a taken port ends the process with one sentence and exit code 1 instead of a stack.
 */
export async function runUntilStopped(start: () => Promise<(() => Promise<unknown>)[]>): Promise<void> {
  try {
    const closers = await start();
    const stop = async () => {
      setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
      for (const close of closers) await close();
      process.exit(0);
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  } catch (error) {
    process.stderr.write(`${startFailure(error)}\n`);
    process.exit(1);
  }
}

function startFailure(error: unknown): string {
  if (error instanceof EnvError) return error.message;
  const { code, port } = error as { code?: string; port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Set another one (see README, environment).`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
