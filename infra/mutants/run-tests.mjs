import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../test/main.mjs';

/** The tests of the copy that this file stands in. Its style and types are not judged: a fault may well break them. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
process.exitCode = await main({ root, args: process.argv.slice(2), checked: false });
