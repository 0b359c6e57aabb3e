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

/** A document's commands as printed, from the first that names the shop, but for the two lines a reader fills in. */
async function commandsOf(path: string): Promise<string> {
  const text = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  const first = blocks.findIndex((block) => block.includes('SHOP='));
  if (first === -1) throw new Error(`${path} has no walk-through`);
  return blocks
    .slice(first)
    .join('\n')
    .replace('SHOP=http://127.0.0.1:3000', `SHOP=${shop.gatewayUrls[0]}`)
    .replace('KEY=the-organiser-key', `KEY=${shop.organiserKey}`);
}

async function walkThrough(path: string): Promise<{ code: number | null; output: string; errors: string }> {
  const file = join(await mkdtemp(join(tmpdir(), 'admit-one-walk-through-')), 'commands.sh');
  await writeFile(file, await commandsOf(path));
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

test('the README’s works as printed', async () => {
  const { code, output, errors } = await walkThrough('README.md');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output).toContain('"position":');
  expect(output).toContain('"A-1-1"');
  expect(output).toMatch(/"state":"confirmed"/);
  expect(output).toMatch(/"state":"paused"/);
});

test('the organiser’s, from an empty system to a sold-out sale, works as printed', async () => {
  const { code, output, errors } = await walkThrough('gateway/organiser/README.md');
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output).toContain('"code":"forbidden"');
  expect(output).toMatch(/^data: {"sale":/m);
  expect(output).toContain('Ada@example.org');
  expect(output).toContain('"state":"refunded"');
  expect(output).toContain('"state":"soldOut"');
  for (const reason of ['fire alarm', 'false alarm', 'ill']) expect(output).toContain(`"reason":"${reason}"`);
  expect(output).toContain('"messages":[]');
});
