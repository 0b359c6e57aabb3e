import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** Scripts are TypeScript, which k6 runs by itself from 1.0 on. */
const MAJOR_MIN = 1;
const THRESHOLDS_CROSSED = 99;
/**
 * k6 collects its garbage only near half of the machine's memory (Go's GOGC and GOMEMLIMIT). Each collection goes through all virtual
 * users, who stand still meanwhile on a machine that they share with the shop: of 25,000 joins in 15 s 99 of 100 took k6
 * 1.3 s with GOGC=100, and 0.2 s with 400. 3,000 polls a second leave 60 MB a second behind; in ten minutes of them k6 could not
 * send 5 to 443 with 1600 to 2800, and sent all with `off`, which on a machine of 24 GB collects three times.
 */
const HEAP_GROWTH = 'off';
const MEMORY_SHARE_MAX = 0.5;

export const howToGetK6 =
  'k6 is not on this machine: install it as https://grafana.com/docs/k6/latest/set-up/install-k6/ says (macOS: brew install k6; ' +
  'with Go: go install go.k6.io/k6@latest). Where it is not on the PATH, set K6_PATH to it.';

/** The path of k6, or null: K6_PATH, the PATH, where Go, Homebrew and snap install programs. */
export function findK6(env: Record<string, string | undefined> = process.env): string | null {
  if (env.K6_PATH) return isProgram(env.K6_PATH) ? env.K6_PATH : null;
  const folders = [
    ...(env.PATH ?? '').split(delimiter),
    ...[env.GOBIN, env.GOPATH && join(env.GOPATH, 'bin'), join(homedir(), 'go', 'bin')],
    ...['/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'],
  ];
  for (const folder of folders) {
    if (folder && isProgram(join(folder, 'k6'))) return join(folder, 'k6');
  }
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // the next place is looked at
  }
}

/** What this k6 calls itself (`1.8.1`). Throws one sentence when it is too old. */
export async function versionOfK6(k6: string): Promise<string> {
  const { output } = await run(k6, ['version'], 'read');
  const [, version = '', major] = /v((\d+)\.\S+)/.exec(output) ?? [];
  if (!(Number(major) >= MAJOR_MIN))
    throw new Error(
      `${k6} is ${version || 'not a k6'}; the scripts need k6 ${MAJOR_MIN}.0 or newer, which reads TypeScript.`,
    );
  return version;
}

export type K6Run = {
  script: string;
  env: Record<string, string>;
  history: string;
  summary: string;
  quiet: boolean;
  /** Told of k6's process as soon as it runs. */
  onStart?: (pid: number) => void;
};

/** Runs a script to its end. k6's console is the history; its summary a file. Throws when k6 itself failed. */
export async function runK6(
  k6: string,
  { script, env, history, summary, quiet, onStart }: K6Run,
): Promise<void> {
  const settings = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const args = [
    'run',
    ...(quiet ? ['--quiet'] : []),
    '--no-usage-report',
    // Nobody asks its API; on its usual port a second k6 on this machine would find it taken.
    '--address=127.0.0.1:0',
    '--log-format=raw',
    `--console-output=${history}`,
    `--summary-export=${summary}`,
    ...settings,
    script,
  ];
  const { code } = await run(k6, args, quiet ? 'hide' : 'show', onStart);
  if (code !== 0 && code !== THRESHOLDS_CROSSED) throw new Error(`k6 ended with exit code ${code}.`);
}

/** Go's two settings for k6. What somebody sets stays; with GOMEMLIMIT=off nothing is added, so that GOGC is Go's own or theirs. */
export function garbageSettings({
  GOGC,
  GOMEMLIMIT,
}: Record<string, string | undefined>): Record<string, string> {
  if (GOMEMLIMIT === 'off') return {};
  return { GOGC: GOGC || HEAP_GROWTH, GOMEMLIMIT: GOMEMLIMIT || String(memoryMax()) };
}

/** Bytes; in a container its own. */
function memoryMax(): number {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.floor(memory * MEMORY_SHARE_MAX);
}

function run(
  command: string,
  args: string[],
  output: 'read' | 'show' | 'hide',
  onStart: (pid: number) => void = () => undefined,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const stdout = output === 'read' ? 'pipe' : output === 'show' ? 'inherit' : 'ignore';
    const child = spawn(command, args, {
      stdio: ['ignore', stdout, 'inherit'],
      env: { ...process.env, ...garbageSettings(process.env) },
    });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    // Ctrl-C reaches k6 as well, which then stops by itself; what was recorded is judged.
    const wait = () => undefined;
    process.on('SIGINT', wait);
    // Whoever ends this command alone (a build server, a service manager) means k6 too, which would go on by itself.
    const end = () => child.kill('SIGTERM');
    process.on('SIGTERM', end);
    child.once('spawn', () => onStart(Number(child.pid)));
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', end);
      resolve({ code, output: text });
    });
  });
}
