const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);

/** What is measured, and how often; smaller for a look, as it stands for a figure that counts. */
export const ROUNDS = number('ROUNDS', 5);
export const WAITING = number('WAITING', 1_000_000);
export const ROUND_MS = number('ROUND_MS', 2_000);
export const STREAMS = number('STREAMS', 10_000);

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
