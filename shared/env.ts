import { z } from 'zod';

/**
 * The only place that reads the environment. A service names the variables it needs; all faults are reported together,
 * by variable, in one error that main prints before it exits.
 */
export function readEnv<Shape extends z.ZodObject>(
  schema: Shape,
  source: Record<string, string | undefined> = process.env,
): z.infer<Shape> {
  // An empty variable is how shells and compose files say "not set".
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new EnvError(`The environment is not complete:\n${faults.join('\n')}`);
}

export class EnvError extends Error {}

const SECRET_LENGTH_MIN = 32;

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(0);
const url = (protocol: RegExp) => z.url({ protocol, error: `must be a URL (${protocol.source})` });
const secret = z
  .string({ error: 'must be set to a secret' })
  .min(SECRET_LENGTH_MIN, `must have at least ${SECRET_LENGTH_MIN} characters`);

/** One server, or several nodes of a cluster (shared/redis.ts). */
const redisUrl = z
  .string({ error: 'must be set' })
  .refine((text) => text.split(',').every((part) => url(/^rediss?$/).safeParse(part).success), {
    error: 'must be a URL (^rediss?$), or several of them, separated by commas',
  });

/** The variables, each described once; a service picks its own. README.md lists them. */
export const envVariables = {
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  BOOKING_PORT: port.default(3001),
  BOOKING_URL: url(/^https?$/).default('http://127.0.0.1:3001'),
  GATEWAY_URL: url(/^https?$/).default('http://127.0.0.1:3000'),
  PUBLIC_URL: url(/^https?$/).default('http://127.0.0.1:3000'),
  DATABASE_URL: url(/^postgres(ql)?$/),
  REDIS_URL: redisUrl,
  ORGANISER_KEY: secret.optional(),
  ORGANISER_KEYS: z.string().optional(),
  SIGNING_KEYS: z.string({ error: 'must be a JSON array of private Ed25519 JWKs, the signing one first' }),
  QUEUE_TICKET_SECRET: secret,
  INTERNAL_SECRET: secret,
  SMTP_URL: url(/^smtps?$/).optional(),
  MAIL_FROM: z.string().default('Admit One <tickets@admit-one.example>'),
  ASYNC_ORDERS_WAITING_MAX: count.default(10_000),
  ASYNC_ORDERS_FROM: count.default(64),
  DATA_DIR: z.string().default('.data'),
  TRUSTED_PROXIES: z.string().default(''),
  RATE_LIMITS: z.string().default(''),
} as const;
