import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findRunningShop, type RunningShop } from '../infra/start/running-shop.mjs';
import { arrivalsCampaign } from './campaigns/arrivals.ts';
import { kneeCampaign } from './campaigns/knee.ts';
import { openingRushCampaign } from './campaigns/opening-rush.ts';
import { soakCampaign } from './campaigns/soak.ts';
import { spikeCampaign } from './campaigns/spike.ts';
import { waitingCampaign } from './campaigns/waiting.ts';
import { figuresOf } from './figures.ts';
import { findK6, howToGetK6, versionOfK6 } from './k6.ts';
import type { Watched } from './machine/processes.ts';
import { runOnce, type Target } from './one-run.ts';
import { isFailed, type Report } from './report/report.ts';
import { runPlots } from './report/run-plots.ts';
import { writeReport } from './report/write.ts';
import { describeRun } from './summary.ts';

const usage = `npm run loadtest -- NAME [options]

Makes an event and a sale, runs loadtest/NAME.ts (or the script at the path NAME) with k6, and judges the promises from
what the fans were answered and from the shop's books. Ends with 0 when all were kept, with 1 when one was broken, with 2
when the run did not come about.

  on-sale             fans arrive, wait, shop, pay and go in all ways
  one-seat            all fans click the same seat in the same moment
  steady              fans who all go the whole way, at one rate
  spike               such fans, for some seconds ten times as many, then as before
  opening-rush        a lobby, the opening, the draw, and fans who come after it
  browsing            visitors who read and reload, and some who buy meanwhile
  bots                fans, among programs that want more than their share
  polling-flood       fans who wait, and some who ask a hundred times as often as they are told to
  arrivals            a crowd joins within a minute: each has a place of their own
  waiting             a crowd that waits and asks where it stands, at one rate of polls
  knee                the highest rate of such fans that the shop bears
  soak                a share of the knee for a long time: memory and open files stay as they are

  --fans N            how many fans come                         (on-sale 400, one-seat 1,000, polling-flood 200,
                                                              opening-rush 300, arrivals 100,000,
                                                              waiting 15 for each poll a second)
  --seconds N         how long they keep coming                  (on-sale 40, steady 20, a step of the knee 15, arrivals 60)
                      waiting: how long they are asked for       (600)
  --seats N           on-sale: how many seats there are          (as many as fans)
  --capacity N        on-sale: how many may shop at a time       (a tenth of the fans)
  --rate N            on-sale: turns a minute                    (six times the fans)
                      steady, spike, bots: fans a second         (5)
                      browsing: visitors a second                (10)
                      waiting: polls a second                    (3,000)
                      soak: the knee; without it, it is searched
  --from N            knee: fans a second of the first step      (10)
  --minutes N         soak: how long                             (30)
  --share N           soak: the share of the knee                (1/3)
  --admission SECONDS on-sale: how long one may shop             (45)
  --async PERCENT     on-sale: orders that may be booked later   (0)
  --answer-ms N       the longest that 99 of 100 answers take    (on-sale, spike and opening-rush 3,000,
                                                              one-seat 10,000, waiting 100, others 1,000)
  --patience SECONDS  the longest that a fan waits               (on-sale and opening-rush 600,
                                                              one-seat and spike 120, others 20)
  --seed N            other fans, who do other things            (1)
  --set NAME=VALUE    a setting of a script of your own; may be repeated
  --processes NAME=PID,…   the shop’s processes here, where npm start did not start them
  --shop URL,…        another shop than the one that npm start runs here; several gateways are asked in turn
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
  'from',
  'minutes',
  'share',
] as const;

/** What runs a script more than once, or watches the shop meanwhile. */
const campaigns = new Map<string, typeof kneeCampaign>([
  ['arrivals', arrivalsCampaign],
  ['knee', kneeCampaign],
  ['opening-rush', openingRushCampaign],
  ['soak', soakCampaign],
  ['spike', spikeCampaign],
  ['waiting', waitingCampaign],
]);

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
  /** Null of a campaign. */
  script: string | null;
  name: string;
  env: Record<string, string>;
  processes: Watched[];
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
      ...{ from: text, minutes: text, share: text, processes: text },
      ...{ shop: text, out: text, set: { type: 'string', multiple: true } },
      ...{ quiet: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    } as const,
  });
  if (values.help) return null;
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new Error(`Name one script.\n\n${usage}`);
  const script = campaigns.has(name) ? null : scriptNamed(root, name);
  if (script === undefined) throw new Error(`There is no script loadtest/${name}.ts.\n\n${usage}`);
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
    processes: readProcesses(values.processes ?? ''),
    ...(shop ? { shop } : {}),
    ...(out ? { out } : {}),
  };
}

const scriptNamed = (root: string, name: string): string | undefined =>
  [join(root, 'loadtest', `${name}.ts`), resolve(root, name)].find((path) => existsSync(path));

function readProcesses(text: string): Watched[] {
  return text
    .split(',')
    .filter((each) => each !== '')
    .map((each) => {
      const [, name, pid] = /^(.+)=(\d+)$/.exec(each) ?? [];
      if (!name) throw new Error(`--processes is ${text}; it must be NAME=PID, separated by commas.`);
      return { name, pid: Number(pid) };
    });
}

async function run(root: string, options: RunOptions): Promise<number> {
  const k6 = findK6();
  if (!k6) throw new Error(howToGetK6);
  const version = await versionOfK6(k6);
  const found = findRunningShop({ root });
  const urls = options.shop?.split(',') ?? found.gatewayUrls;
  if (urls.length === 0)
    throw new Error(
      `No shop runs in ${found.dataDir}: start one with npm start, or name one with --shop URL.`,
    );
  if (!found.organiserKey)
    throw new Error(
      'Set ORGANISER_KEY to an organiser’s key of that shop: the run makes an event and a sale of its own.',
    );

  const folder = resolve(options.out ?? join(found.dataDir, 'loadtest', options.name));
  console.log(`k6 ${version}: ${options.name} against ${urls.join(', ')}`);
  // By the environment and not by an argument: whoever lists this machine's processes must not read the key.
  process.env.ORGANISER_KEY = found.organiserKey;
  const { databaseUrl, redisUrl } = found;
  const isStarted = isShopHere(found, urls);
  // Each gateway counts for itself what somebody may ask.
  const gateways = gatewaysAsked(found, urls);
  const env = { ...(gateways === null ? {} : { GATEWAYS: String(gateways) }), ...options.env };
  const isOther = options.shop !== undefined && !process.env.DATABASE_URL && !isStarted;
  const target: Target = {
    ...{ k6, urls, quiet: options.quiet },
    books: databaseUrl && redisUrl && !isOther ? { databaseUrl, redisUrl } : null,
    processes: options.processes.length > 0 || !isStarted ? options.processes : toldApart(found.processes),
  };
  const campaign = campaigns.get(options.name);
  const report = await (campaign && options.script === null
    ? campaign({ ...target, quiet: true }, { root, folder, settings: env })
    : single(target, { ...options, env }, folder));
  console.log(`\n${report.lines.join('\n')}\n\nKept in ${folder}`);
  await writeReport(folder, report);
  for (const found of Object.values(report.checks).flat()) console.log(`Failed: ${found}`);
  return isFailed(report) ? 1 : 0;
}

/** How many gateways answer at those addresses together; null where that is not known. */
export function gatewaysAsked(
  { gatewayUrls, gatewaysBehind }: Pick<RunningShop, 'gatewayUrls' | 'gatewaysBehind'>,
  urls: readonly string[],
): number | null {
  return gatewaysBehind !== null && isShopHere({ gatewayUrls }, urls) ? gatewaysBehind * urls.length : null;
}

const isShopHere = ({ gatewayUrls }: Pick<RunningShop, 'gatewayUrls'>, urls: readonly string[]): boolean =>
  urls.every((url) => gatewayUrls.includes(url));

/** Several gateways have one name. */
function toldApart(processes: readonly Watched[]): Watched[] {
  const isShared = ({ name }: Watched) => processes.filter((each) => each.name === name).length > 1;
  return processes.map((each) => (isShared(each) ? { ...each, name: `${each.name} ${each.pid}` } : each));
}

async function single(target: Target, { script, name, env }: RunOptions, folder: string): Promise<Report> {
  const { history, judgement } = await runOnce(target, String(script), env, folder);
  for (const message of history.messages) console.log(`k6 said: ${message}`);
  return {
    ...{ title: `Load test: ${name}`, lines: [describeRun(history, judgement)], judgement, checks: {} },
    plots: runPlots(history),
    figures: figuresOf(history),
  };
}
