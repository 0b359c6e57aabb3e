import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Ended,
  processIdentity,
  type RunningProcess,
  startProcess,
  until,
} from '../local/processes.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const standIn = 'infra/start/stand-ins/start.mjs';
const OUTPUT_TIMEOUT_MS = 60_000;

export type Recorded = { name: string; pid: number };

export type Launched = {
  process: RunningProcess;
  output: () => string;
  /** Resolves once the launcher has printed it; rejects with all it printed otherwise. */
  printed: (text: string) => Promise<void>;
  /** What it has started and recorded in its data folder. */
  started: () => Recorded[];
  ended: () => Promise<Ended>;
};

/** Starts the launcher as `npm start` does, if not told otherwise with stand-ins for the services, and reads along. */
export async function launch(env: Record<string, string>, script = standIn): Promise<Launched> {
  const launcher = await startProcess({
    name: 'launcher',
    command: process.execPath,
    args: [script],
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: false,
  });
  let output = '';
  for (const stream of [launcher.child.stdout, launcher.child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return {
    process: launcher,
    output: () => output,
    printed: async (text) => {
      const settled = await until(() => output.includes(text) || launcher.ended(), OUTPUT_TIMEOUT_MS);
      if (settled !== true) throw new Error(`The launcher did not print ${JSON.stringify(text)}:\n${output}`);
    },
    started: () => JSON.parse(readFileSync(join(String(env.DATA_DIR), 'launcher.json'), 'utf8')).processes,
    ended: () => launcher.exited,
  };
}

/** Whether such a process runs; one that nobody has collected yet does not. */
export const isAlive = ({ pid }: { pid: number }): boolean => processIdentity(pid) !== null;
