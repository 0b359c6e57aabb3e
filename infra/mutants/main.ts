import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { copyOf } from './copy.ts';
import { type Mutant, mutants } from './mutants.ts';

/** One that makes the tests wait for ever has been noticed by then. */
const RUN_MS_MAX = 300_000;
const STOP_MS_MAX = 20_000;
/** The closing line of a run (infra/test/vitest.mjs). */
const CLOSING = /^(\d+) passed, (\d+) failed, \d+ skipped$/m;

type Outcome = 'passed' | 'failed' | 'endless' | 'broken';

/**
 * `npm run mutants [-- WORD …]`: plants each fault, or those that have one of the words, one after another into a copy of the
 * project and runs the tests that have to notice it. Resolves to the exit code: 1 when a fault went unnoticed, 2 when the
 * tests fail without any.
 */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const chosen = mutants.filter(
    ({ fault, file }) => args.length === 0 || args.some((word) => `${fault} ${file}`.includes(word)),
  );
  if (chosen.length === 0) {
    process.stderr.write('npm run mutants [-- WORD …]   No fault has one of these words.\n');
    return 2;
  }
  const copy = await copyOf(root);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  try {
    const all = [...new Set(chosen.flatMap(({ tests }) => tests))];
    say(`${all.length} files of tests without a fault …`);
    const sound = await run(copy.root, all, stop.signal);
    if (sound.outcome !== 'passed') {
      say(`${sound.output}\nThe tests fail as they are: what they notice says nothing.`);
      return 2;
    }
    const unnoticed: Mutant[] = [];
    for (const mutant of chosen) {
      stop.signal.throwIfAborted();
      const takeOut = await copy.plant(mutant);
      const { outcome } = await run(copy.root, mutant.tests, stop.signal);
      await takeOut();
      if (outcome === 'passed') unnoticed.push(mutant);
      say(`${words[outcome]}  ${mutant.fault}`);
    }
    for (const { fault, file, from, tests } of unnoticed)
      say(`\nNot noticed: ${fault}\n  ${file}: ${from.trim()}\n  by ${tests.join(', ')}`);
    say(`\n${chosen.length - unnoticed.length} of ${chosen.length} faults were noticed.`);
    return unnoticed.length === 0 ? 0 : 1;
  } finally {
    await copy.remove();
  }
}

const words: Record<Outcome, string> = {
  failed: 'noticed        ',
  endless: 'noticed (waits)',
  // A fault that keeps a file from being loaded, or the database from being made, is noticed by everybody.
  broken: 'noticed (loads)',
  passed: 'NOT NOTICED    ',
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function run(
  root: string,
  tests: string[],
  stop: AbortSignal,
): Promise<{ outcome: Outcome; output: string }> {
  const child = spawn(process.execPath, [join(root, 'infra', 'mutants', 'run-tests.mjs'), ...tests], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
  const closed = once(child, 'close');
  const late = new AbortController();
  const end = AbortSignal.any([stop, late.signal]);
  const isLate = await Promise.race([
    closed.then(() => false),
    delay(RUN_MS_MAX, true, { signal: end }).catch(() => true),
  ]);
  late.abort();
  if (isLate) {
    // It ends what it has started.
    child.kill('SIGTERM');
    await Promise.race([closed, delay(STOP_MS_MAX, null, { ref: false })]);
  }
  const output = Buffer.concat(parts).toString();
  return { outcome: outcomeOf(child.exitCode, output, isLate), output };
}

function outcomeOf(exitCode: number | null, output: string, isLate: boolean): Outcome {
  if (isLate) return 'endless';
  const [, passed, failed] = CLOSING.exec(output) ?? [];
  if (exitCode === 0 && Number(passed) > 0) return 'passed';
  return Number(failed) > 0 ? 'failed' : 'broken';
}
