import { fileURLToPath } from 'node:url';
import { nodeArgs } from '../local/built-services.mjs';
import { endProcess, type RunningProcess, startProcess, until } from '../local/processes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** On a machine that does much else meanwhile. */
const READY_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;
/** A service ends by itself 15 s after SIGTERM at the latest (shared/main.ts). */
const STOP_STEPS = [{ signal: 'SIGTERM', timeoutMs: 20_000 } as const];
const OUTPUT_CHARS_MAX = 200_000;

/** What a service inherits of the environment; nothing else that is set on this machine reaches it. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR'];

/** What the process may have, at this start. */
export type StartOptions = {
  /** Differs from the environment so far, at this start and every later one. */
  env?: Record<string, string> | undefined;
  /** By prlimit (Linux). */
  fileHandlesMax?: number;
  heapMbMax?: number;
};

export type Service = {
  /** Resolves when `/readyz` answers 200; rejects with the captured output when it ends or takes too long. */
  start: (options?: StartOptions) => Promise<void>;
  stop: () => Promise<void>;
  kill: () => Promise<void>;
  /** To whatever runs of it. */
  signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  /** False before the first start, and when it has ended, by itself or not. */
  isRunning: () => boolean;
  output: () => string;
};

/** One of the shop's processes, by the file that it runs. Without a URL (the worker has none) it counts as ready once it runs. */
export function createService(script: string, env: Record<string, string>, url: string | null): Service {
  let running: RunningProcess | null = null;
  let output = '';
  let givenEnv = env;

  const start = async ({ env: changedEnv = {}, fileHandlesMax, heapMbMax }: StartOptions = {}) => {
    givenEnv = { ...givenEnv, ...changedEnv };
    const command = [process.execPath, ...nodeArgs(script, heapMbMax)];
    if (fileHandlesMax !== undefined) command.unshift('prlimit', `--nofile=${fileHandlesMax}`);
    const [program = '', ...args] = command;
    const service = await startProcess({
      name: script,
      command: program,
      args,
      cwd: root,
      env: { ...inherited(), ...givenEnv },
      stdio: ['ignore', 'pipe', 'pipe'],
      // In vitest's own process group, which infra/test ends as a whole if a test could not.
      detached: false,
    });
    running = service;
    for (const stream of [service.child.stdout, service.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
      });
    }
    if (url === null) return;
    const ready = await until(async () => service.ended() ?? (await isReady(url)), READY_TIMEOUT_MS);
    if (ready === true) return;
    await endProcess(service, STOP_STEPS);
    throw new Error(`${script} did not become ready; it wrote:\n${output || '(nothing)'}`);
  };

  return {
    start,
    stop: async () => {
      if (running) await endProcess(running, STOP_STEPS);
    },
    kill: async () => {
      if (running) await endProcess(running, []);
    },
    signal: (signal) => {
      running?.child.kill(signal);
    },
    isRunning: () => running !== null && running.ended() === null,
    output: () => output,
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false; // not listening yet: asked again until the time is over
  }
}

const inherited = () => Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
