import type { ChildProcess, StdioOptions } from 'node:child_process';

export type Ended = { code: number | null; signal: NodeJS.Signals | null };
export type RunningProcess = {
  name: string;
  pid: number;
  child: ChildProcess;
  exited: Promise<Ended>;
  ended: () => Ended | null;
};

export function startProcess(options: {
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string | undefined>;
  stdio?: StdioOptions;
  detached?: boolean;
}): Promise<RunningProcess>;

export function endProcess(
  running: RunningProcess,
  steps: { signal: NodeJS.Signals; timeoutMs: number }[],
): Promise<NodeJS.Signals | null>;

export function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean>;

export function until<T>(ask: () => Promise<T> | T, timeoutMs: number): Promise<T | null>;

export function processIdentity(pid: number): string | null;
