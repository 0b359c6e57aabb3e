import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lookAt } from './processes.ts';

/** Opens files, fills memory and works, itself and by a child of its own; then says so and stays. */
const program = `
  const { openSync } = require('node:fs');
  const { spawnSync, spawn } = require('node:child_process');
  const kept = Buffer.alloc(64 * 1024 * 1024, 1);
  for (let i = 0; i < 50; i += 1) openSync('/dev/null');
  const busy = 'const end = process.cpuUsage().user + 200000; while (process.cpuUsage().user < end);';
  spawnSync(process.execPath, ['-e', busy]);
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); process.stdout.write("up")'], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdout.once('data', () => process.stdout.write('ready'));
  process.on('SIGTERM', () => { child.kill(); process.exit(kept.length > 0 ? 0 : 1); });
`;

test.runIf(process.platform === 'linux')(
  'a process is seen with what descends from it, and what has ended',
  async () => {
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      const used = lookAt([{ name: 'it', pid: Number(child.pid) }]).get('it');
      // Two that run, a Node of some 40 MB each, and 64 MB.
      expect(used?.memoryBytes).toBeGreaterThan(100 * 1024 ** 2);
      expect(used?.handles).toBeGreaterThan(70);
      expect(used?.cpuMs).toBeGreaterThanOrEqual(200);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
    expect(lookAt([{ name: 'it', pid: Number(child.pid) }]).size).toBe(0);
  },
  // Three programs start.
  60_000,
);

test('where nothing can be seen nothing is said', () => {
  expect(lookAt([{ name: 'this', pid: process.pid }], 'darwin').size).toBe(0);
});
