import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeVersionFault } from './node-version.mjs';

/**
 * Runs `main({ root, args })` of a TypeScript file and sets the exit code, for commands that stand beside a shop. On a
 * clone where nothing was installed yet it says in one sentence what to do.
 */
export async function runTypeScript({ root, file }) {
  const fault =
    nodeVersionFault(root) ??
    (existsSync(join(root, 'node_modules', 'tsx'))
      ? null
      : 'The npm packages are not installed yet; run npm start (or npm ci) first.');
  if (fault) {
    process.stderr.write(`${fault}\n`);
    process.exitCode = 2;
    return;
  }
  const { register } = await import('tsx/esm/api');
  register();
  const { main } = await import(pathToFileURL(join(root, file)).href);
  process.exitCode = await main({ root, args: process.argv.slice(2) });
}
