import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Judgement, judgeFans } from '../infra/history/promises.ts';
import { readHistory } from '../infra/history/read.ts';
import { findRunningShop } from '../infra/start/running-shop.mjs';
import { findK6, howToGetK6, runK6, versionOfK6 } from './k6.ts';
import { judgeBooks } from './settle.ts';
import { describeRun, isBroken, judgeK6, type K6Summary } from './summary.ts';

const usage = `npm run loadtest -- NAME [options]

Makes an event and a sale, runs loadtest/NAME.ts (or the script at the path NAME) with k6, and judges the promises from
what the fans were answered and from the shop's books. Ends with 0 when all were kept, with 1 when one was broken, with 2
when the run did not come about.

  on-sale             fans arrive, wait, shop, pay and go in all ways
  one-seat            all fans click the same seat in the same moment

  --fans N            how many fans come                         (on-sale 400, one-seat 1,000)
  --seconds N         on-sale: how long they keep coming         (40)
  --seats N           on-sale: how many seats there are          (as many as fans)
  --capacity N        on-sale: how many may shop at a time       (a tenth of the fans)
  --rate N            on-sale: turns a minute                    (six times the fans)
  --admission SECONDS on-sale: how long one may shop             (45)
  --async PERCENT     on-sale: orders that may be booked later   (0)
  --answer-ms N       the longest that 99 of 100 answers take    (on-sale 3,000, one-seat 10,000)
  --patience SECONDS  the longest that a fan waits               (on-sale 600, one-seat 120)
  --seed N            other fans, who do other things            (1)
  --set NAME=VALUE    a setting of a script of your own; may be repeated
  --shop URL          another shop than the one that npm start runs here
  --out FOLDER        where history, summary and verdict are kept (DATA_DIR/loadtest/NAME)
  --quiet             no progress while k6 runs

Of another shop it needs ORGANISER_KEY, and DATABASE_URL and REDIS_URL to judge its books; see loadtest/README.md.`;

const scriptSettings = [
  'fans',
  'seconds',
  'seats',
  'capacity',
  'rate',
  'admission',
  'async',
  'patience',
  'seed',
  'answer-ms',
] as const;

/** `npm run loadtest`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  try {
    const options = readOptions(root, args);
    if (options === null) {
      console.log(usage);
      return 0;
    }
    return await run(root, options);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
}

type RunOptions = {
  script: string;
  name: string;
  env: Record<string, string>;
  shop?: string;
  out?: string;
  quiet: boolean;
};

function readOptions(root: string, args: string[]): RunOptions | null {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{
        fans: text,
        seconds: text,
        seats: text,
        capacity: text,
        rate: text,
        async: text,
        patience: text,
        seed: text,
        admission: text,
        'answer-ms': text,
      },
      ...{ shop: text, out: text, set: { type: 'string', multiple: true } },
      ...{ quiet: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    } as const,
  });
  if (values.help) return null;
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new Error(`Name one script.\n\n${usage}`);
  const script = [join(root, 'loadtest', `${name}.ts`), resolve(root, name)].find((path) => existsSync(path));
  if (!script) throw new Error(`There is no script loadtest/${name}.ts.\n\n${usage}`);
  const env: Record<string, string> = {};
  for (const setting of scriptSettings) {
    const value = values[setting];
    if (value !== undefined) env[setting.toUpperCase().replace('-', '_')] = value;
  }
  for (const pair of values.set ?? []) {
    const [variable = '', ...rest] = pair.split('=');
    env[variable] = rest.join('=');
  }
  const { shop, out, quiet } = values;
  return {
    script,
    name: basename(name, '.ts'),
    env,
    quiet,
    ...(shop ? { shop } : {}),
    ...(out ? { out } : {}),
  };
}

async function run(root: string, options: RunOptions): Promise<number> {
  const k6 = findK6();
  if (!k6) throw new Error(howToGetK6);
  const version = await versionOfK6(k6);
  const found = findRunningShop({ root });
  const shopUrl = options.shop ?? found.gatewayUrl;
  if (!shopUrl)
    throw new Error(
      `No shop runs in ${found.dataDir}: start one with npm start, or name one with --shop URL.`,
    );
  if (!found.organiserKey)
    throw new Error(
      'Set ORGANISER_KEY to an organiser’s key of that shop: the run makes an event and a sale of its own.',
    );

  const folder = resolve(options.out ?? join(found.dataDir, 'loadtest', options.name));
  await mkdir(folder, { recursive: true });
  const [history, summary] = [join(folder, 'history.jsonl'), join(folder, 'k6-summary.json')];
  // What an earlier run left would be judged with this one's.
  await writeFile(history, '');
  console.log(`k6 ${version}: ${options.name} against ${shopUrl}`);
  // By the environment and not by an argument: whoever lists this machine's processes must not read the key.
  process.env.ORGANISER_KEY = found.organiserKey;
  const env = { ...options.env, SHOP: shopUrl, RECORD: '1' };
  await runK6(k6, { script: options.script, env, history, summary, quiet: options.quiet });

  const recorded = await readHistory(history);
  const k6Summary = JSON.parse(await readFile(summary, 'utf8')) as K6Summary;
  const { databaseUrl, redisUrl } = found;
  const isOther =
    options.shop !== undefined && !process.env.DATABASE_URL && options.shop !== found.gatewayUrl;
  const judgement: Judgement = {
    ...judgeFans(recorded),
    ...judgeK6(recorded, k6Summary),
    ...(databaseUrl && redisUrl && !isOther ? await judgeBooks(recorded, { databaseUrl, redisUrl }) : {}),
  };
  const text = describeRun(recorded, judgement);
  console.log(`\n${text}\n\nKept in ${folder}`);
  for (const message of recorded.messages) console.log(`k6 said: ${message}`);
  await writeFile(join(folder, 'verdict.txt'), `${text}\n`);
  await writeFile(join(folder, 'verdict.json'), `${JSON.stringify(judgement, null, 2)}\n`);
  return isBroken(judgement) ? 1 : 0;
}
