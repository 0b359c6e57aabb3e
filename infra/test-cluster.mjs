import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeVersionFault } from './local/node-version.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fault = nodeVersionFault(root);
if (fault) {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
} else {
  // Loaded only now: an older Node could not even read the rest.
  const { main } = await import('./test/main.mjs');
  process.exitCode = await main({ root, args: process.argv.slice(2), cluster: true });
}
