import { z } from 'zod';
import { dangersInProduction, SECRET_LENGTH_MIN } from './production.ts';
import { secretsOf } from './secrets.ts';

/** What is given of the environment: no variable is empty. */
export type Given = Record<string, string | undefined>;

/**
 * The only place that reads the environment. A service names the variables it needs, and `checks` that throw an EnvError
 * for what a schema cannot tell; all faults are reported together, what is dangerous in production included, by variable,
 * in one error that main prints before it exits.
 */
export function readEnv<Shape extends z.ZodObject>(
  schema: Shape,
  checks: ((given: Given) => unknown)[] = [],
  source: Given = process.env,
): z.infer<Shape> {
  // An empty variable is how shells and compose files say "not set".
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  const faults = (result.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  for (const check of checks) faults.push(...faultsOf(() => check(given)));
  faults.push(...dangersInProduction(given, Object.keys(schema.shape)));
  if (faults.length > 0) throw new EnvError(faults);
  return result.data as z.infer<Shape>;
}

/** Each fault begins with the variable's name. */
export class EnvError extends Error {
  readonly faults: readonly string[];

  constructor(faults: string[]) {
    super(`The environment is not complete:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

function faultsOf(check: () => unknown): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof EnvError) return error.faults;
    throw error;
  }
}

/** Orchestrators kill after half a minute unless told otherwise; ending itself takes up to 15 s. */
const DRAIN_SECONDS_MAX = 60;

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(0);
const url = (protocol: RegExp) => z.url({ protocol, error: `must be a URL (${protocol.source})` });
/** One secret, or several (secrets.ts). */
const secrets = z
  .string({ error: 'must be set to a secret' })
  .refine((text) => secretsOf(text).every(({ length }) => length >= SECRET_LENGTH_MIN), {
    error: `must have at least ${SECRET_LENGTH_MIN} characters, each of several separated by commas`,
  });

/** One server, or several nodes of a cluster (shared/redis.ts). */
const redisUrl = z
  .string({ error: 'must be set' })
  .refine((text) => text.split(',').every((part) => url(/^rediss?$/).safeParse(part).success), {
    error: 'must be a URL (^rediss?$), or several of them, separated by commas',
  });

/** The variables, each described once; a service picks its own. README.md lists them. */
export const envVariables = {
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  BOOKING_PORT: port.default(3001),
  BOOKING_URL: url(/^https?$/).default('http://127.0.0.1:3001'),
  GATEWAY_URL: url(/^https?$/).default('http://127.0.0.1:3000'),
  PUBLIC_URL: url(/^https?$/).default('http://127.0.0.1:3000'),
  DATABASE_URL: url(/^postgres(ql)?$/),
  /** PostgreSQL itself, where DATABASE_URL is a pooler that hands its sessions out transaction by transaction. */
  DATABASE_DIRECT_URL: url(/^postgres(ql)?$/).optional(),
  DATABASE_PREPARE: z.enum(['on', 'off']).default('on'),
  REDIS_URL: redisUrl,
  /** Who holds which key is read by gateway/organiser/organisers.ts. */
  ORGANISER_KEY: z.string().optional(),
  ORGANISER_KEYS: z.string().optional(),
  SIGNING_KEYS: z.string({ error: 'must be a JSON array of private Ed25519 JWKs, the signing one first' }),
  QUEUE_TICKET_SECRET: secrets,
  INTERNAL_SECRET: secrets,
  SMTP_URL: url(/^smtps?$/).optional(),
  MAIL_FROM: z.string().default('Admit One <tickets@admit-one.example>'),
  ASYNC_ORDERS_WAITING_MAX: count.default(10_000),
  ASYNC_ORDERS_FROM: count.default(64),
  /** None: nothing is told. Not the port that fans reach. */
  METRICS_PORT: port.optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
  /** How long a process that is to end says so before it does (shared/main.ts). */
  DRAIN_SECONDS: count.max(DRAIN_SECONDS_MAX).optional(),
  DATA_DIR: z.string().default('.data'),
  TRUSTED_PROXIES: z.string().default(''),
  RATE_LIMITS: z.string().default(''),
  TEST_PAYMENTS: z.literal('on').optional(),
} as const;
