import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../testing/random.ts';
import { runCampaign } from './campaign.ts';
import type { Fault } from './fault.ts';
import { allClusterFaults, allFaults } from './faults/all.ts';
import { poolerFaults } from './faults/pooler.ts';
import { describe } from './report.ts';
import { startChaosShop } from './shop.ts';

const SEED_BYTES = 4;
const MINUTES = 10;
const MINUTES_MAX = 24 * 60;
const FANS = 70;
/** One of these, where it is not said. */
const GATEWAYS = [2, 2, 4];
const GATEWAYS_MAX = 16;

const usage = `npm run chaos [-- options]

A whole shop with stores, proxies and a mail server of its own, a crowd, and one fault after another; then what was
answered, the books and npm run verify are judged. Linux only. Ends with 0 when every promise was kept, with 1 when one
was broken.

  --seed N          the same choices again
  --minutes M       how long faults are injected (${MINUTES})
  --times N         each fault that often, however long that takes unless --minutes ends it
  --fault NAME      only this fault, as --list names it; may be repeated
  --only TEXT       only faults whose names have this in them; may be repeated
  --cluster         on a Redis Cluster of three masters, each with a replica
  --form short      faults stay a few seconds, and those that take long are left out
  --fans N          how many fans there are at once (${FANS})
  --gateways N      how many gateways there are (by the seed: ${GATEWAYS.join(', ')})
  --pooler          the services reach PostgreSQL by way of PgBouncer, which is hurt as well
  --out FILE        keeps the history, a line of JSON for each request
  --list            the faults`;

/** `npm run chaos`: resolves to the exit code. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    return 2;
  }
  const { seed, minutes, times, form, fans, gateways, pooler, cluster, faults, help, list, out, again } =
    options;
  const known = faultsKnown({ pooler, cluster });
  if (help || list) {
    const names = known.map(({ name, leftOut }) => `  ${name}${leftOut ? ` (not here: ${leftOut})` : ''}`);
    console.log(help ? usage : names.join('\n'));
    return 0;
  }
  const extent =
    times === undefined ? `for ${minutes} minutes` : `${times} times each of ${faults.length} faults`;
  const on = `${pooler ? ', by way of PgBouncer' : ''}${cluster ? ', on a Redis Cluster' : ''}`;
  console.log(`Chaos, ${extent}, ${gateways} gateways${on}, seed ${seed}.`);
  const dataDir = resolve(root, process.env.DATA_DIR || '.data');
  const pgbouncerBinaries = pooler ? join(dataDir, 'pgbouncer-server') : null;
  let isStopping = false;
  // Whoever is told to end while the shop starts ends it when it has.
  const shopOf = { gateways, pgbouncerBinaries, onCluster: cluster };
  const starting = startChaosShop(join(dataDir, 'redis-server'), shopOf);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isStopping = true;
      starting
        .then((shop) => shop.stop())
        .catch(() => undefined)
        .finally(() => process.exit(1));
    });
  const shop = await starting;
  try {
    const endsAt = Date.now() + minutes * 60_000;
    const goesOn = () => !isStopping && Date.now() < endsAt;
    const verdict = await runCampaign(shop, { seed, fans, faults, form, times, goesOn, say: console.log });
    if (out) await writeFile(out, verdict.asked.map((asked) => `${JSON.stringify(asked)}\n`).join(''));
    console.log(`\n${describe(verdict, known, again)}`);
    return verdict.breaches.length === 0 ? 0 : 1;
  } finally {
    await shop.stop();
  }
}

function readOptions(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{
        seed: text,
        out: text,
        gateways: text,
        times: text,
        minutes: text,
        fans: { ...text, default: String(FANS) },
      },
      ...{ fault: { ...text, multiple: true, default: [] as string[] } },
      ...{ only: { ...text, multiple: true, default: [] as string[] }, form: { ...text, default: 'long' } },
      ...{ help: flag, list: flag, pooler: flag, cluster: flag },
    } as const,
  });
  const { form } = values;
  if (form !== 'short' && form !== 'long') throw new Error('--form is short or long.');
  const fans = Number(values.fans);
  if (!(Number.isInteger(fans) && fans > 0 && fans <= 2_000))
    throw new Error('--fans must be from 1 to 2,000.');
  const times = values.times === undefined ? undefined : Number(values.times);
  if (times !== undefined && !(Number.isInteger(times) && times > 0))
    throw new Error('--times must be a whole number.');
  const minutes = Number(values.minutes ?? (times === undefined ? MINUTES : MINUTES_MAX));
  if (!(minutes > 0 && minutes <= MINUTES_MAX)) throw new Error('--minutes must be a number of minutes.');
  const seed = values.seed ?? randomBytes(SEED_BYTES).toString('hex');
  const gateways = Number(values.gateways ?? createRandom(seed).fork('gateways').pick(GATEWAYS));
  if (!(Number.isInteger(gateways) && gateways > 0 && gateways <= GATEWAYS_MAX))
    throw new Error(`--gateways must be from 1 to ${GATEWAYS_MAX}.`);
  const { only, fault, pooler, cluster } = values;
  const faults = chosenFaults(faultsKnown({ pooler, cluster }), { names: fault, only, form });
  const said = { seed, minutes: values.minutes, times: values.times, form, fans, gateways, only, fault };
  const flags = [...(pooler ? ['--pooler'] : []), ...(cluster ? ['--cluster'] : [])];
  const again = ['npm run chaos --', ...flags, ...Object.entries(said).flatMap(optionAgain)].join(' ');
  return { ...values, form: form as 'short' | 'long', minutes, times, fans, gateways, faults, seed, again };
}

const faultsKnown = ({ pooler, cluster }: { pooler: boolean; cluster: boolean }): Fault[] => [
  ...(cluster ? allClusterFaults : allFaults),
  ...(pooler ? poolerFaults : []),
];

function chosenFaults(
  known: readonly Fault[],
  { names, only, form }: { names: readonly string[]; only: readonly string[]; form: string },
): Fault[] {
  const unknown = names.find((name) => !known.some((fault) => fault.name === name));
  if (unknown !== undefined) throw new Error(`There is no fault "${unknown}"; --list names them.`);
  // Whoever names a fault wants it, however long it takes.
  if (names.length > 0) return known.filter(({ name }) => names.includes(name));
  const chosen = known
    .filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)))
    .filter(({ isLong }) => form === 'long' || !isLong);
  if (chosen.length === 0) throw new Error('No fault of this form has that in its name; --list names them.');
  return chosen;
}

const optionAgain = ([name, value]: [string, string | number | string[] | undefined]): string[] =>
  [value ?? []].flat().map((each) => `--${name} ${/ /.test(String(each)) ? `'${each}'` : each}`);
