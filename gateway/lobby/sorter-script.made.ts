import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const { outputFiles } = buildSync({
  // Named from its folder, for esbuild takes `*` in a path for a pattern.
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints: ['./sorter-thread.ts'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  write: false,
});

const [made] = outputFiles;
if (!made) throw new Error('esbuild made nothing of sorter-thread.ts.');

/** The script of the sorter's thread, all of it: whatever runs this process, the thread needs nothing but Node. */
export const sorterScript = made.text;
