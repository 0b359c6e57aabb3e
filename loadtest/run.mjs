import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from '../infra/local/typescript.mjs';

await runTypeScript({ root: dirname(dirname(fileURLToPath(import.meta.url))), file: 'loadtest/main.ts' });
