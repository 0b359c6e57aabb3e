import { endProcess, settledWithin } from './processes.mjs';
import { ranks } from './roster.mjs';

const STOP_STEPS = [{ signal: 'SIGTERM', timeoutMs: 5_000 }];
const TIMEOUT_MS = 600_000;

/**
 * Runs a program that does one thing and ends; see startProcess for the options. Resolves to
 * `{ ok, outcome, stdout, output }`, where `output` holds both streams in the order they came. It is ended when it takes
 * longer than `timeoutMs`, or with everything else.
 */
export async function runTool({ roster, input = '', timeoutMs = TIMEOUT_MS, env = process.env, ...options }) {
  const own = { rank: ranks.tool, stopSteps: STOP_STEPS, stdio: 'pipe' };
  const running = await roster.start({ ...options, ...own, env });
  let stdout = '';
  let output = '';
  running.child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
    output += chunk;
  });
  running.child.stderr.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  // Whoever ends early leaves its input unread; its outcome says more than the broken pipe.
  running.child.stdin.on('error', () => {});
  running.child.stdin.end(input);
  const closed = new Promise((resolve) => running.child.once('close', resolve));
  const inTime = await settledWithin(closed, timeoutMs);
  if (!inTime) await endProcess(running, STOP_STEPS);
  const { code, signal } = await running.exited;
  const outcome = inTime ? (signal ?? `exit code ${code}`) : `no end after ${timeoutMs / 1000} s`;
  return { ok: inTime && code === 0, outcome, stdout, output };
}
