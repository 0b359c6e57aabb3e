const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** What is measured, and how often; smaller for a look, as it stands for a figure that counts. */
export const ROUNDS = number('ROUNDS', 5);
export const ROUND_MS = number('ROUND_MS', 2_000);

/** Requests under way at one moment. */
export const IN_FLIGHT = 256;
/** More than a round can sell. */
export const SEATS = number('SEATS', 40_000);
export const ROWS = 200;
export const SEATS_PER_FAN = 4;

export const INTERNAL_SECRET = 'the-internal-secret-of-the-benchmark';

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

export type WorkerKind = 'together' | 'oneByOne' | 'empty';
/** Jobs of the baseline; a queue of their own. */
export const EMPTY_JOBS = { name: 'empty', prefix: '{admit-one-bench}' } as const;
