import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { until } from '../local/processes.mjs';
import { createRoster } from '../local/roster.mjs';
import { createRestartBudget, keepRunning } from './restarts.mjs';
import { createRoller, type Roll } from './roll.mjs';

const AGAIN_MS_MAX = 10_000;
const STOP_STEPS = [{ signal: 'SIGTERM' as const, timeoutMs: 5_000 }];

let rosters: ReturnType<typeof createRoster>[] = [];
afterEach(async () => {
  await Promise.all(rosters.map((roster) => roster.endAll()));
  rosters = [];
});

/**
 * Processes that run until they are ended. `begin` is told of each start, which of this process it is, and may put it off or fail it.
 */
async function keep(
  names: string[],
  begin: (what: string, start: number) => Promise<void> = async () => undefined,
) {
  const running = new Map<string, number>();
  const roster = createRoster({
    onChange: (entries) => {
      running.clear();
      for (const { name, pid } of entries) running.set(name, pid);
    },
  });
  rosters.push(roster);
  const budget = createRestartBudget();
  const givenUp: unknown[] = [];
  const kept = await Promise.all(
    names.map((what) => {
      let starts = 0;
      return keepRunning({
        ...{ roster, budget, what, giveUp: (error: unknown) => givenUp.push(error) },
        start: async () => {
          starts += 1;
          await begin(what, starts);
          const args = ['--eval', 'setInterval(() => undefined, 1000)'];
          const command = process.execPath;
          return roster.start({ name: what, rank: 1, stopSteps: STOP_STEPS, command, args });
        },
      });
    }),
  );
  const told: Roll[] = [];
  const prepared: number[] = [];
  const roll = createRoller({
    kept,
    prepare: async () => void prepared.push(running.size),
    tell: (state) => void told.push(state),
    isEnding: roster.isEnding,
  });
  return { running, kept, roll, told, prepared, givenUp };
}

test('each is replaced once, however often it is asked for meanwhile', async () => {
  const { running, roll, told, prepared, givenUp } = await keep(['one', 'two', 'three']);
  const before = new Map(running);
  // Asked for twice at once, it is done once.
  await Promise.all([roll(), roll()]);
  expect([...running.keys()].sort()).toEqual(['one', 'three', 'two']);
  for (const [name, pid] of running) expect(pid).not.toBe(before.get(name));
  expect(told.map(({ number, state }) => [number, state])).toEqual([
    [1, 'rolling'],
    [1, 'done'],
  ]);
  expect(prepared).toEqual([3]);
  await roll();
  expect(told.at(-1)).toEqual({ number: 2, state: 'done', why: null });
  expect(givenUp).toEqual([]);
});

test('where one does not become ready the rest stay as they are, and that one is started again', async () => {
  const { running, roll, told, givenUp } = await keep(['one', 'two', 'three'], async (what, start) => {
    if (what === 'two' && start === 2) throw new Error('two is not to be started');
  });
  const before = new Map(running);
  await roll();
  expect(told.at(-1)).toMatchObject({
    number: 1,
    state: 'failed',
    why: expect.stringMatching(/two was not replaced/),
  });
  expect(await until(() => running.size === 3, AGAIN_MS_MAX)).toBe(true);
  expect(running.get('one')).not.toBe(before.get('one'));
  expect(running.get('two')).not.toBe(before.get('two'));
  expect(running.get('three')).toBe(before.get('three'));
  await roll();
  expect(told.at(-1)).toMatchObject({ number: 2, state: 'done' });
  expect(givenUp).toEqual([]);
});

test('one that is to be replaced while it is started again after a crash is replaced all the same', async () => {
  let starts = 0;
  let goOn = () => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { running, kept, givenUp } = await keep(['one'], async (_, start) => {
    starts = start;
    if (start === 2) await gate;
  });
  process.kill(Number(running.get('one')), 'SIGKILL');
  expect(await until(() => starts === 2, AGAIN_MS_MAX)).toBe(true);
  const replaced = kept[0]?.replace();
  goOn();
  await replaced;
  // What was begun before it was asked for does not count.
  expect(starts).toBe(3);
  expect(running.size).toBe(1);
  expect(givenUp).toEqual([]);
});

test('a project that cannot be made is not rolled out', async () => {
  const { running, kept } = await keep(['one']);
  const before = new Map(running);
  const told: Roll[] = [];
  const prepare = () => Promise.reject(new Error('Build failed'));
  await createRoller({
    kept,
    prepare,
    tell: (state) => void told.push(state),
    isEnding: () => false,
  })();
  expect(told.at(-1)).toMatchObject({ state: 'failed', why: expect.stringContaining('Build failed') });
  expect(running).toEqual(before);
});

test('the command says where no shop runs', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'admit-one-roll-'));
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  const { status, stderr } = spawnSync(process.execPath, ['infra/roll.mjs'], { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([
    2,
    `No shop runs in ${dataDir}: start one with npm start, or set DATA_DIR.\n`,
  ]);
  await rm(dataDir, { recursive: true });
});
