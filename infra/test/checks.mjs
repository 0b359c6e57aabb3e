import { join } from 'node:path';
import { say } from '../local/progress.mjs';
import { runTool } from '../local/tool.mjs';

const MS_PER_SECOND = 1000;

/** Style and types, side by side; resolves to whether both are clean, and prints what is not. */
export async function checkStyleAndTypes({ roster, root }) {
  const check = async (name, script, ...args) => {
    const startedAt = performance.now();
    const { ok, output } = await runTool({
      roster,
      name,
      command: process.execPath,
      args: [join(root, 'node_modules', script), ...args],
      cwd: root,
    });
    const seconds = ((performance.now() - startedAt) / MS_PER_SECOND).toFixed(1);
    say(ok ? `${name} clean (${seconds} s)` : `${name} found faults:\n${output.trimEnd()}`);
    return ok;
  };
  const results = await Promise.all([
    check('biome check', '@biomejs/biome/bin/biome', 'check', '.'),
    check('tsc --noEmit', 'typescript/bin/tsc', '--noEmit'),
    // The browser's script knows a document where the services know a process.
    check('tsc of the pages', 'typescript/bin/tsc', '--noEmit', '--project', 'gateway/pages/client'),
  ]);
  return results.every(Boolean);
}
