import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines } from './logged.mjs';
import { findOnPath } from './on-path.mjs';
import { say } from './progress.mjs';
import { runTool } from './tool.mjs';

/** Homebrew's Redis, installed when it is not there yet but never registered as a service; null without Homebrew. */
export async function brewedRedis({ roster }) {
  const command = findOnPath('brew');
  if (!command) return null;
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1' };
  const brew = (...args) => runTool({ roster, name: 'brew', command, args, env });
  const program = join((await brew('--prefix', 'redis')).stdout.trim(), 'bin', 'redis-server');
  if (!existsSync(program)) {
    say('Installing Redis with Homebrew …');
    const { ok, outcome, output } = await brew('install', '--quiet', 'redis');
    if (!ok) say(`brew could not provide Redis (${outcome}): ${lastLines(output)}`);
  }
  return existsSync(program) ? { command: program, env: {} } : null;
}
