import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endGroup } from '../local/processes.mjs';
import { say } from '../local/progress.mjs';
import { ranks } from '../local/roster.mjs';

const STOP_STEPS = [{ signal: 'SIGINT', timeoutMs: 20_000 }];

/** Runs the tests; resolves to whether vitest was content, and to their numbers as one line. */
export async function runVitest({ roster, root, args, folder, env }) {
  const results = join(folder, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const running = await roster.start({
    name: 'vitest',
    rank: ranks.tests,
    stopSteps: STOP_STEPS,
    command: process.execPath,
    args: [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...reporters, ...args],
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const { code } = await running.exited;
  // Whatever an interrupted test left running is still in vitest's own group.
  await endGroup(running.pid);
  return { passed: code === 0, numbers: numbers(results) };
}

function numbers(results) {
  let report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return 'vitest ended before it had results.';
  }
  const isFailed = ({ status }) => status === 'failed';
  const isBroken = (file) => isFailed(file) && !file.assertionResults.some(isFailed);
  const broken = report.testResults.filter(isBroken);
  if (broken.length > 0)
    say(`Test files that could not be loaded, or failed before or after their tests: ${broken.length}`);
  const skipped = report.numPendingTests + report.numTodoTests;
  return `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`;
}
