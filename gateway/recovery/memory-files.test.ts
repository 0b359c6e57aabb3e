import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../testing/queue-fixture.ts';
import type { QueueMemory } from './memory.ts';
import { memoryFiles } from './memory-files.ts';

const memory: QueueMemory = {
  mark: '1',
  epoch: 1,
  version: 8,
  moves: 8,
  run: 'a',
  runBeganAt: 0,
  birth: 'b1',
  longerAdmissions: '600000:1700000000000',
  lastNumber: 8,
  eras: '',
  bits: Buffer.from([0x7f, 0x80]),
  states: Buffer.alloc(0),
  codes: Buffer.from('+entry 8 code 1\n'),
  draw: [],
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'admit-one-memory-'));
});
afterEach(() => rm(folder, { recursive: true }));

const filesOf = (gateway: string) => memoryFiles(folder, gateway, silentLog);
const known = async () => [...(await filesOf('new').readAll()).values()].flat();

test('a gateway starts while others write into the same folder', async () => {
  const writers = [filesOf('a'), filesOf('b')];
  await known();
  let isOver = false;
  const large = { ...memory, bits: Buffer.alloc(125_000), states: Buffer.alloc(500_000) };
  const writing = writers.map(async (files) => {
    while (!isOver) await files.write('sale', large);
  });
  for (let start = 0; start < 200; start += 1) {
    const memories = await known();
    expect(memories.every(({ states }) => states.length === 500_000)).toBe(true);
  }
  isOver = true;
  await Promise.all(writing);
  expect(await known()).toHaveLength(2);
});

test('a file in which anything has changed is not believed', async () => {
  await known();
  await filesOf('a').write('sale', memory);
  const [name] = await readdir(join(folder, 'queue-memory'));
  const path = join(folder, 'queue-memory', name as string);
  const whole = await readFile(path);
  expect(await known()).toEqual([memory]);
  for (let i = 0; i < whole.length; i += 1) {
    const changed = Buffer.from(whole);
    changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
    await writeFile(path, changed);
    expect(await known()).toEqual([]);
  }
});

test('a file from before gateways remembered access codes is read', async () => {
  await known();
  const bare = { ...memory, codes: Buffer.alloc(0) };
  await filesOf('a').write('sale', bare);
  const [name] = await readdir(join(folder, 'queue-memory'));
  const path = join(folder, 'queue-memory', name as string);
  const whole = await readFile(path);
  const described = Buffer.from(
    whole
      .subarray(whole.indexOf(10) + 1)
      .toString('latin1')
      .replace(',"codesBytes":0', ''),
    'latin1',
  );
  const digest = createHash('sha256').update(described).digest('hex');
  await writeFile(path, Buffer.concat([Buffer.from(`${digest}\n`), described]));
  expect(described.includes('codesBytes')).toBe(false);
  expect(await known()).toEqual([bare]);
});

test('what every gateway remembered of the last two epochs is read, the newest first', async () => {
  await known();
  await filesOf('a').write('sale', { ...memory, epoch: 3 });
  await filesOf('b').write('sale', { ...memory, epoch: 2, moves: 9 });
  await filesOf('c').write('sale', { ...memory, epoch: 3, moves: 9 });
  await filesOf('d').write('sale', { ...memory, epoch: 1 });
  expect((await known()).map(({ epoch, moves }) => [epoch, moves])).toEqual([
    [3, 9],
    [3, 8],
    [2, 9],
  ]);
});
