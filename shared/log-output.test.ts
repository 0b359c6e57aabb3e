import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const LINES = ['first', 'second', 'third'];
/** A process that says three things and ends at once, as one does in which something is thrown that nobody catches. */
const script = `
  import { createLog } from '${new URL('./log.ts', import.meta.url).href}';
  const log = createLog('ending', 'info');
  for (const line of ${JSON.stringify(LINES)}) log.error(line);
  process.exit(1);
`;
const args = ['--import', 'tsx', '--input-type=module', '--eval', script];

const messages = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg)
    .sort();

/** Resolves when it has ended and nothing more can come. */
const ended = (child: ReturnType<typeof spawn>): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve));

test('the last lines of a process that ends at once are written, to a pipe and to a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-output-'));
  try {
    const path = join(folder, 'log');
    const file = openSync(path, 'w');
    const toPipe = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const toFile = spawn(process.execPath, args, { stdio: ['ignore', file, 'inherit'] });
    closeSync(file);
    let piped = '';
    toPipe.stdout?.setEncoding('utf8').on('data', (part: string) => {
      piped += part;
    });
    expect(await Promise.all([ended(toPipe), ended(toFile)])).toEqual([1, 1]);
    expect(messages(piped)).toEqual([...LINES].sort());
    expect(messages(readFileSync(path, 'utf8'))).toEqual([...LINES].sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 20_000);
