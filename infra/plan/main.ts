import { parseArgs } from 'node:util';
import { type Evening, playEvening } from './evening.ts';
import { measured } from './figures.ts';
import { needsOf } from './needs.ts';
import { describePlan } from './report.ts';

const usage = `npm run plan -- [options]

Plays the evening of a sale as a model, fan by fan, and says how long they wait and what machines it needs.

  --fans N              how many come                                   (1,000,000)
  --arrive TIME         within which time, half in its first sixth      (60s)
  --seats N             how many seats there are                        (80,000)
  --seats-per-fan N     who buys takes one to so many                   (4)
  --rate N              turns a minute                                  (a twentieth of the seats)
  --capacity N          how many may shop at a time                     (what the rate fills)
  --shopping TIME       from the claim to the payment, on average       (3m)
  --admission TIME      how long one may shop                           (10m)
  --claim TIME          how long a turn may be taken                    (60s)
  --no-show PERCENT     of those whose turn comes                       (10)
  --leave PERCENT       of those who wait, in an hour                   (20)
  --empty-handed PERCENT  of those in the shop                          (15)
  --speed N             how fast a core is, against the measured one    (1)
  --seed TEXT           other fans                                      (1)
  --json                everything, each second of it too

TIME is a number with s, m or h. What the figures are measured on, and what cannot be told from them: docs/capacity.md.`;

const SEATS_PER_FAN_MAX = 50;
const FANS_MAX = 10_000_000;
const PERCENT = 100;
const SECONDS_OF = { s: 1, m: 60, h: 3_600 };
const DAY = 86_400;

/** `npm run plan`: resolves to the exit code, 2 when it was not asked rightly. */
export async function main({ args }: { args: string[] }): Promise<number> {
  try {
    const asked = readOptions(args);
    if (asked === null) {
      console.log(usage);
      return 0;
    }
    const { evening, seed, speed, json } = asked;
    const played = playEvening(evening, seed);
    const needs = needsOf(played, measured, speed);
    console.log(json ? JSON.stringify({ evening, needs, played }) : describePlan(evening, played, needs));
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 2;
  }
}

/** Throws what is wrong, and how it is meant. */
export function readOptions(
  args: string[],
): { evening: Evening; seed: string; speed: number; json: boolean } | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ fans: text, arrive: text, seats: text, 'seats-per-fan': text, rate: text, capacity: text },
      ...{ shopping: text, admission: text, claim: text, 'no-show': text, leave: text, 'empty-handed': text },
      ...{ speed: text, seed: text },
      ...{ json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    } as const,
  });
  if (values.help) return null;
  const refuse = (name: string, what: string): never => {
    throw new Error(`--${name} must be ${what}.\n\n${usage}`);
  };
  const number = (name: keyof typeof values, byDefault: number, min: number, max: number) => {
    const given = values[name];
    if (given === undefined) return byDefault;
    const value = Number(String(given).replaceAll(',', ''));
    const isRight = String(given).trim() !== '' && value >= min && value <= max;
    return isRight ? value : refuse(name, `a number from ${min} to ${max}`);
  };
  const count = (name: keyof typeof values, byDefault: number, max: number) => {
    const value = number(name, byDefault, 1, max);
    return Number.isInteger(value) ? value : refuse(name, 'a whole number');
  };
  const share = (name: keyof typeof values, percent: number) =>
    number(name, percent, 0, PERCENT - 1) / PERCENT;
  const seconds = (name: keyof typeof values, byDefault: number) => {
    const given = values[name];
    if (given === undefined) return byDefault;
    const [, digits, unit] = /^(\d{1,6}(?:\.\d+)?)([smh])$/.exec(String(given)) ?? [];
    const value = Number(digits) * SECONDS_OF[(unit ?? 's') as keyof typeof SECONDS_OF];
    return value >= 1 && value <= DAY ? value : refuse(name, 'a time from 1s to 24h, such as 90s, 5m or 1h');
  };

  const seats = count('seats', 80_000, 1_000_000);
  const admitPerMinute = count('rate', Math.max(1, Math.ceil(seats / 20)), 1_000_000);
  const shoppingSeconds = seconds('shopping', 180);
  const evening: Evening = {
    fans: count('fans', 1_000_000, FANS_MAX),
    arriveSeconds: seconds('arrive', 60),
    seats,
    seatsPerFanMax: count('seats-per-fan', 4, SEATS_PER_FAN_MAX),
    admitPerMinute,
    // So many are inside when as many go as come (Little's law), and a fifth more, that the rate decides.
    capacity: count(
      'capacity',
      Math.max(1, Math.ceil((1.2 * admitPerMinute * shoppingSeconds) / 60)),
      1_000_000,
    ),
    shoppingSeconds,
    admissionSeconds: seconds('admission', 600),
    claimSeconds: seconds('claim', 60),
    noShowShare: share('no-show', 10),
    leaveShareAnHour: share('leave', 20),
    emptyHandedShare: share('empty-handed', 15),
  };
  return { evening, seed: values.seed ?? '1', speed: number('speed', 1, 0.1, 100), json: values.json };
}
