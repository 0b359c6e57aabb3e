import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, type Verdict } from './report.ts';
import { startSoak } from './soak.ts';

const SECONDS = 300;
const SEED_BYTES = 4;
const TEST_CARD = /^tok_/;
const PRIVATE_FILE_MODE = 0o600;

/** `npm run soak:booking [-- SECONDS]`: resolves to the exit code, 1 when a promise was broken. */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const [given = String(SECONDS), ...more] = args;
  if (!/^[1-9]\d{0,5}$/.test(given) || more.length > 0) {
    process.stderr.write(
      `npm run soak:booking [-- SECONDS]   (${SECONDS}; SEED=… makes the same choices again)\n`,
    );
    return 2;
  }
  const seed = process.env.SEED || randomBytes(SEED_BYTES).toString('hex');
  process.stdout.write(`Fans, organisers, payments, expiries and crashes for ${given} s, SEED=${seed}.\n`);
  const redisBinaries = resolve(root, process.env.DATA_DIR || '.data', 'redis-server');
  const soak = await startSoak({ seed, redisBinaries });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => soak.stop().finally(() => process.exit(1)));
  try {
    const verdict = await soak.run(Number(given));
    process.stdout.write(`${describe(verdict)}\n`);
    if (verdict.faults.length > 0) process.stdout.write(`What it goes by: ${await kept(verdict)}\n`);
    return verdict.faults.length + verdict.late.length === 0 ? 0 : 1;
  } finally {
    await soak.stop();
  }
}

/** All that was asked, answered and booked, as JSON in a file of its own; without the tokens by which it was asked. */
async function kept(verdict: Verdict): Promise<string> {
  const file = join(tmpdir(), `admit-one-soak-${verdict.seed}-${Date.now()}.json`);
  const listed = (name: string, value: unknown) => {
    if (['token', 'admissionToken', 'queueTicket'].includes(name) && !TEST_CARD.test(String(value)))
      return undefined;
    if (value === Number.POSITIVE_INFINITY) return 'Infinity';
    return value instanceof Map ? Object.fromEntries(value) : value;
  };
  await writeFile(file, JSON.stringify(verdict, listed), { mode: PRIVATE_FILE_MODE });
  return file;
}
