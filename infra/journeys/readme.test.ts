import { spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Shop, startShop } from '../testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

/** The walk-through as printed, but for the two lines a reader fills in. */
async function walkThrough(): Promise<string> {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const block = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const script = block.find((text) => text.includes('SHOP='));
  if (!script) throw new Error('README.md has no walk-through');
  return script
    .replace('SHOP=http://127.0.0.1:3000', `SHOP=${shop.gatewayUrls[0]}`)
    .replace('KEY=the-organiser-key', `KEY=${shop.organiserKey}`);
}

function run(file: string): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    const shell = spawn('bash', ['-euo', 'pipefail', file], { env: { PATH: process.env.PATH } });
    let [output, errors] = ['', ''];
    shell.stdout.on('data', (chunk) => {
      output += chunk;
    });
    shell.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    shell.on('error', reject);
    shell.on('close', (code) => resolve({ code, output, errors }));
  });
}

test('the walk-through of the README works as printed', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'admit-one-readme-')), 'walk-through.sh');
  await writeFile(file, await walkThrough());
  const { code, output, errors } = await run(file);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output).toContain('"position":');
  expect(output).toContain('"A-1-1"');
  expect(output).toMatch(/"state":"confirmed"/);
  expect(output).toMatch(/"state":"paused"/);
});
