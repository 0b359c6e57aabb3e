import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { allFaults } from './faults/all.ts';
import { describe } from './report.ts';
import { startChaosShop } from './shop.ts';

const SEED_BYTES = 4;
const MINUTES = 10;
const FANS = 70;

const usage = `npm run chaos [-- options]

A whole shop with stores, proxies and a mail server of its own, a crowd, and one fault after another; then what was
answered, the books and npm run verify are judged. Linux only. Ends with 0 when every promise was kept, with 1 when one
was broken.

  --seed N          the same choices again
  --minutes M       how long faults are injected (${MINUTES})
  --only TEXT       only faults whose names have this in them; may be repeated
  --form short      faults stay a few seconds, and those that take long are left out
  --fans N          how many fans there are at once (${FANS})
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
  const { seed, minutes, only, form, fans, help, list, out } = options;
  if (help || list) {
    const names = allFaults.map(
      ({ name, leftOut }) => `  ${name}${leftOut ? ` (not here: ${leftOut})` : ''}`,
    );
    console.log(help ? usage : names.join('\n'));
    return 0;
  }
  const faults = allFaults
    .filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)))
    .filter(({ isLong }) => form === 'long' || !isLong);
  console.log(`Chaos for ${minutes} minutes, seed ${seed}.`);
  const shop = await startChaosShop(resolve(root, process.env.DATA_DIR || '.data', 'redis-server'));
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isStopping = true;
      shop.stop().finally(() => process.exit(1));
    });
  try {
    const endsAt = Date.now() + minutes * 60_000;
    const goesOn = () => !isStopping && Date.now() < endsAt;
    const verdict = await runCampaign(shop, { seed, fans, faults, form, goesOn, say: console.log });
    if (out) await writeFile(out, verdict.asked.map((asked) => `${JSON.stringify(asked)}\n`).join(''));
    const again = `npm run chaos -- --seed ${seed} --minutes ${minutes} --form ${form} --fans ${fans}`;
    console.log(`\n${describe(verdict, allFaults, again)}`);
    return verdict.breaches.length === 0 ? 0 : 1;
  } finally {
    await shop.stop();
  }
}

function readOptions(args: string[]) {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{
        seed: text,
        out: text,
        minutes: { ...text, default: String(MINUTES) },
        fans: { ...text, default: String(FANS) },
      },
      ...{ only: { ...text, multiple: true, default: [] as string[] }, form: { ...text, default: 'long' } },
      ...{ help: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
    } as const,
  });
  const { form } = values;
  if (form !== 'short' && form !== 'long') throw new Error('--form is short or long.');
  const [minutes, fans] = [Number(values.minutes), Number(values.fans)];
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('--minutes must be a number of minutes.');
  if (!(Number.isInteger(fans) && fans > 0 && fans <= 2_000))
    throw new Error('--fans must be from 1 to 2,000.');
  const seed = values.seed ?? randomBytes(SEED_BYTES).toString('hex');
  return { ...values, only: [...values.only], form: form as 'short' | 'long', minutes, fans, seed };
}
