import { type Logger, pino } from 'pino';

export type Log = Logger;

/** One structured line per event on standard output. Tokens, cookies and e-mail addresses never reach it. */
export const createLog = (service: string, level: string): Log =>
  pino({
    level,
    base: { service },
    redact: {
      paths: ['authorization', 'cookie', 'email', '*.authorization', '*.cookie', '*.email', '*.token'],
      censor: '[redacted]',
    },
  });
