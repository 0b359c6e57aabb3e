import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from './local/typescript.mjs';

await runTypeScript({ root: dirname(dirname(fileURLToPath(import.meta.url))), file: 'infra/plan/main.ts' });
