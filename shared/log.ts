import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput, type LogOutput } from './log-output.ts';

export type Log = Logger;

/** How many errors behind an error are told. */
const CAUSES_MAX = 4;
/**
 * Of an error only these facts are told. Others are what was asked: PostgreSQL's `detail` is the row that was refused, with
 * whatever a fan wrote, ioredis' `command` carries its arguments, and jose's `payload` a token's.
 */
const FACTS = [
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'statusCode',
  'severity',
  'routine',
  'table_name',
  'constraint_name',
];
/** What tells of a person, or opens something, wherever it stands in a text: addresses, tokens (JWTs), queue tickets, keys. */
const SECRETS = [
  /[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}/g,
  /eyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /\bq2\.[\w-]+\.[\w-]+\.\d+\.\d+\.[\w-]{22}/g,
  /\bBearer +\S+/gi,
  /\b(?:rediss?|postgres(?:ql)?|smtps?):\/\/\S+@/g,
];
const CENSORED = '[redacted]';

export const withoutSecrets = (text: string): string =>
  SECRETS.reduce((told, secret) => told.replace(secret, CENSORED), text);

function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? withoutSecrets(error) : typeof error;
  const given = error as Error & Record<string, unknown>;
  const facts = FACTS.filter((name) => ['string', 'number'].includes(typeof given[name]));
  const causes =
    error instanceof AggregateError ? error.errors : error.cause === undefined ? [] : [error.cause];
  return {
    type: error.constructor.name,
    message: withoutSecrets(error.message),
    ...Object.fromEntries(facts.map((name) => [name, given[name]])),
    stack: withoutSecrets(error.stack ?? ''),
    ...(depth < CAUSES_MAX && causes.length > 0
      ? { causes: causes.slice(0, CAUSES_MAX).map((cause) => describeError(cause, depth + 1)) }
      : {}),
  };
}

let output: LogOutput | undefined;
/** One for all logs of a process. */
const standardOutput = (): DestinationStream => {
  output ??= createLogOutput();
  return output;
};

/** Resolves when all lines are on standard output, or cannot be for the moment. */
export const logIsWritten = async (): Promise<void> => output?.written();

/** One structured line per event on standard output. Tokens, cookies and e-mail addresses never reach it. */
export const createLog = (service: string, level: string, destination?: DestinationStream): Log => {
  const options = {
    level,
    base: { service },
    serializers: {
      err: (error: unknown) => describeError(error),
      path: (path: string) => withoutSecrets(path),
    },
    redact: {
      paths: ['authorization', 'cookie', 'email', '*.authorization', '*.cookie', '*.email', '*.token'],
      censor: CENSORED,
    },
  };
  return pino(options, destination ?? standardOutput());
};
