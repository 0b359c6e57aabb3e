import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findK6 } from '../../loadtest/k6.ts';
import {
  exchangedPlaces,
  failedAnswer,
  grantedForgery,
  inventedOrder,
  otherConcert,
  type Plant,
  risingPosition,
  secondWinner,
  several,
  sharedNumber,
  startFaultyProxy,
} from '../../loadtest/testing/faulty-proxy.ts';
import { type Shop, startShop } from '../testing/shop.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const k6 = findK6();
if (!k6)
  console.warn('*** THE LOAD TESTS ARE NOT RUN HERE: k6 is not on this machine (loadtest/README.md). ***');

let shop: Shop;
let folder: string;
beforeAll(async () => {
  if (k6) shop = await startShop();
  folder = await mkdtemp(join(tmpdir(), 'admit-one-loadtest-'));
});
afterAll(async () => {
  await shop?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The launcher as a process of its own; with `plant`, through a proxy that misbehaves. `more`: another way to the same shop. */
async function loadtest(
  args: string[],
  plant: Plant | null = null,
  env: Record<string, string> = {},
  more: string[] = [],
) {
  const gateway = shop?.gatewayUrls[0] ?? 'http://127.0.0.1:9';
  const proxy = plant && (await startFaultyProxy(gateway, plant));
  try {
    const shopEnv = shop && {
      DATABASE_URL: shop.databaseUrl,
      REDIS_URL: shop.redisUrl,
      ORGANISER_KEY: shop.organiserKey,
    };
    const child = spawn(
      process.execPath,
      [
        'loadtest/run.mjs',
        ...args,
        '--quiet',
        '--out',
        folder,
        '--shop',
        [proxy?.url ?? gateway, ...more].join(),
      ],
      {
        cwd: root,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: folder, ...shopEnv, ...env },
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, output };
  } finally {
    await proxy?.stop();
  }
}

const verdict = async () => JSON.parse(await readFile(join(folder, 'verdict.json'), 'utf8'));
const brokenPromises = async () =>
  Object.entries(await verdict())
    .filter(([, found]) => (found as string[]).length > 0)
    .map(([name]) => name)
    .sort();

// Slow answers are this machine's affair here, not the shop's.
const patient = ['--answer-ms', '20000'];
const oneSeat = ['one-seat', '--fans', '30', ...patient];
const onSale = [
  'on-sale',
  '--fans',
  '16',
  '--seconds',
  '6',
  '--capacity',
  '4',
  '--admission',
  '8',
  ...patient,
];

describe.skipIf(!k6)('k6 against real processes', () => {
  test('one seat, thirty fans: kept', async () => {
    const { code, output } = await loadtest(oneSeat);
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining('Every promise was kept'),
    });
    expect(output).toMatch(/29 {2}was told that somebody was faster/);
  }, 120_000);

  test('a seat that two fans are given breaks the run', async () => {
    const { code, output } = await loadtest(oneSeat, secondWinner());
    expect(code, output).toBe(1);
    expect(await brokenPromises()).toEqual(expect.arrayContaining(['one-seat', 'oversold']));
    expect(output).toMatch(/Broken: .*oversold/);
  }, 120_000);

  test('a sale whose fans see their position rise, and one of whom is told of an order that is not', async () => {
    const { code, output } = await loadtest(onSale, several(risingPosition(), inventedOrder()));
    expect(code, output).toBe(1);
    expect(await brokenPromises()).toEqual(expect.arrayContaining(['lost-order', 'position-rises']));
  }, 180_000);

  test('a lobby, its draw and who comes after it: kept; a published order that is another’s is found', async () => {
    const rush = ['opening-rush', '--fans', '12', '--seconds', '2', '--set', 'LOBBY_SECONDS=6', ...patient];
    const kept = await loadtest(rush);
    expect(kept, kept.output).toMatchObject({ code: 0 });
    expect(kept.output).toMatch(/12 fans stood in the lobby; the first turn came \d+ ms after the opening/);
    const { code, output } = await loadtest(rush, exchangedPlaces());
    expect(code, output).toBe(1);
    expect(output).toMatch(/Failed: .* was drawn as \d+ and was told \d+/);
  }, 180_000);

  test('bots get nothing, and fans do not feel them; a forged token that is let in is found', async () => {
    const bots = ['bots', '--rate', '1', '--seconds', '5', '--set', 'BOTS=1', ...patient];
    const kept = await loadtest(bots);
    expect(kept, kept.output).toMatchObject({ code: 0 });
    expect(kept.output).toMatch(/shared an admission/);
    const { code, output } = await loadtest(bots, grantedForgery());
    expect(code, output).toBe(1);
    expect(output).toMatch(/bots_granted was to be count==0, and was count [1-9]/);
  }, 180_000);

  test('visitors who read: kept; a page that shows something else is found', async () => {
    const browsing = ['browsing', '--rate', '2', '--seconds', '4', '--set', 'BUYERS=1', ...patient];
    const kept = await loadtest(browsing);
    expect(kept, kept.output).toMatchObject({ code: 0 });
    const { code, output } = await loadtest(browsing, otherConcert());
    expect(code, output).toBe(1);
    expect(output).toMatch(/as_expected was to be rate==1/);
  }, 180_000);

  test('a crowd arrives, at two addresses in turn: kept; a number given twice and a join that failed are found', async () => {
    const arrivals = ['arrivals', '--fans', '40', '--seconds', '1', ...patient];
    let joins = 0;
    const countsJoins: Plant = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/queue')) joins += 1;
      return null;
    };
    const kept = await loadtest(arrivals, countsJoins, {}, shop.gatewayUrls);
    expect(kept, kept.output).toMatchObject({ code: 0 });
    expect(kept.output).toMatch(/40 {2}has a place[\s\S]*: 40 joined, of whom \d+ wait/);
    // (A virtual user goes on where it has been, and twenty of them begin at either.)
    expect(joins).toBeGreaterThanOrEqual(10);
    expect(joins).toBeLessThanOrEqual(30);
    const { code, output } = await loadtest(arrivals, several(sharedNumber(), failedAnswer('join')));
    expect(code, output).toBe(1);
    expect(output).toMatch(/Failed: fan-\d+ and fan-\d+ were both told number 1\n/);
    expect(output).toMatch(/Failed: fan-\d+ was answered 500 internal\n/);
    expect(output).toMatch(/Failed: fan-\d+ was told no number\n/);
    expect(output).toMatch(/Failed: Of the numbers 1 to 40 2 were told nobody\n/);
    expect(await brokenPromises()).toEqual(expect.arrayContaining(['server-error', 'thresholds']));
  }, 180_000);

  test('a crowd that waits and polls: kept; a position that rises and a poll that fails are found', async () => {
    const waiting = ['waiting', '--rate', '40', '--fans', '40', '--seconds', '5', ...patient];
    const kept = await loadtest(waiting);
    expect(kept, kept.output).toMatchObject({ code: 0 });
    expect(kept.output).toMatch(/polls, of which 0 failed .*; [12]\d\d of them at the full rate/);
    expect(kept.output).toMatch(/had a turn and made room/);
    const { code, output } = await loadtest(waiting, several(risingPosition(), failedAnswer('poll')));
    expect(code, output).toBe(1);
    expect(await brokenPromises()).toEqual(['position-rises', 'server-error', 'thresholds']);
    expect(output).toMatch(/was told position \d+ and then 1\d\d/);
    expect(output).toMatch(/positions_risen was to be count==0, and was count [1-9]/);
    expect(output).toMatch(/polls_failed was to be rate<0.0001/);
  }, 180_000);

  test('a search for the knee ends at what fails twice, and a promise that is broken in a step breaks it', async () => {
    const tooSlow = ['--from', '1', '--seconds', '1', '--answer-ms', '1'];
    const { code, output } = await loadtest(['knee', ...tooSlow], inventedOrder());
    expect(code, output).toBe(1);
    expect(output).toMatch(/No rate was borne[\s\S]*lost-order/);
    expect(output.match(/1 fans a second: not borne/g)).toHaveLength(2);
    expect(await brokenPromises()).toEqual(['lost-order']);
    expect(await readFile(join(folder, 'junit.xml'), 'utf8')).toMatch(/\(lost-order\)">\s+<failure/);
  }, 120_000);

  test('a soak fails when a process keeps opening files, and leaves its report in every form', async () => {
    const [leaky, flat] = [leak, stays].map((program) =>
      spawn(process.execPath, ['-e', program], { stdio: 'ignore' }),
    );
    try {
      const short = ['--rate', '2', '--share', '1', '--minutes', '0.1', '--set', 'REST_SECONDS=1'];
      const watched = ['--processes', `leaky=${leaky?.pid},flat=${flat?.pid}`];
      const { code, output } = await loadtest(['soak', ...short, ...watched, ...patient]);
      expect(code, output).toBe(1);
      expect(output).toContain('Every promise was kept');
      expect(output).toMatch(/Failed: leaky: open files grew by/);
      expect(output).not.toContain('Failed: flat');
      const report = (file: string) => readFile(join(folder, file), 'utf8');
      expect(await report('junit.xml')).toMatch(/name="memory and handles are flat">\s+<failure/);
      expect(await report('report.html')).toContain('Open files');
      expect(JSON.parse(await report('report.json')).figures.rate).toBe(2);
    } finally {
      leaky?.kill();
      flat?.kill();
    }
  }, 120_000);
});

/** Twenty files a second, never closed. */
const leak = "setInterval(() => require('node:fs').openSync('/dev/null'), 50)";
const stays = 'setInterval(() => undefined, 50)';

test('without k6 the launcher says how to get it', async () => {
  const { code, output } = await loadtest(['one-seat'], null, { K6_PATH: join(folder, 'no-k6') });
  expect(code).toBe(2);
  expect(output).toContain('install it as https://grafana.com/docs/k6/');
});

test('a script that does not exist, or an option that is not one, is refused with the usage', async () => {
  for (const args of [['no-such'], ['one-seat', '--fnas', '3'], []]) {
    const { code, output } = await loadtest(args);
    expect(code).toBe(2);
    expect(output).toMatch(/npm run loadtest -- NAME|Unknown option/);
  }
});
