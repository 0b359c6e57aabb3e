import { readFileSync } from 'node:fs';

/** In the order in which they need each other. */
const parts = [
  'call',
  'epochs',
  'sale',
  'states',
  'entries',
  'draw',
  'codes',
  'endings',
  'forecasts',
  'after-a-loss',
];

/** What every script of a sale shares, and has standing in front of it. */
export const prelude = parts
  .map((part) => readFileSync(new URL(`./prelude/${part}.lua`, import.meta.url), 'utf8'))
  .join('\n');
