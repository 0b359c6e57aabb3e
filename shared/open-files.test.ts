import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openFilesMax } from './open-files.ts';

const module = fileURLToPath(new URL('./open-files.ts', import.meta.url));

test('what the system says is what the report of Node says', () => {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  expect(openFilesMax()).toBe(Number(userLimits?.open_files?.soft));
});

test.runIf(process.platform === 'linux')('a process with few handles knows it', () => {
  const script = `import(${JSON.stringify(module)}).then(({ openFilesMax }) => console.log(openFilesMax()))`;
  const node = [process.execPath, '--import', 'tsx', '--eval', script];
  expect(execFileSync('prlimit', ['--nofile=250:250', ...node], { encoding: 'utf8' }).trim()).toBe('250');
});
