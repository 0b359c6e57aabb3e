import { closeSync, openSync, readFileSync } from 'node:fs';

const PRIVATE_FILE_MODE = 0o600;
const LINES_SHOWN = 8;

/** Starts a program that writes into a log file of its own, so that it does not depend on who reads along. */
export async function startLogged({ roster, log, ...options }) {
  const file = openSync(log, 'w', PRIVATE_FILE_MODE);
  try {
    return await roster.start({ ...options, stdio: ['ignore', file, file] });
  } finally {
    closeSync(file);
  }
}

export const readLog = (log) => readFileSync(log, 'utf8');

/** The end of what a program wrote, where the reason stands. */
export const lastLines = (text) => text.trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
