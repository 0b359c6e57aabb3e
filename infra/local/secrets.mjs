import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';

const SECRET_BYTES = 32;
const KEY_ID_BYTES = 8;
const PRIVATE_FILE_MODE = 0o600;
const JSON_INDENT = 2;

/** New values for everything that the services ask for and nobody may guess, by variable. */
export const newSecrets = () => ({
  ORGANISER_KEY: randomSecret(),
  QUEUE_TICKET_SECRET: randomSecret(),
  INTERNAL_SECRET: randomSecret(),
  SIGNING_KEYS: JSON.stringify([newSigningKey()]),
});

const randomSecret = () => randomBytes(SECRET_BYTES).toString('base64url');

/** A private Ed25519 key as a JWK (RFC 8037); its id looks like every other id. */
function newSigningKey() {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty, crv, x, d, kid: randomBytes(KEY_ID_BYTES).toString('base64url') };
}

/**
 * The secrets of this data folder, made at the first start and the same ever after, so that tickets and tokens outlive
 * a restart. What the environment sets is neither made nor written down.
 */
export function keptSecrets({ dataDir, env }) {
  const path = join(dataDir, 'secrets.json');
  const kept = readSecrets(path);
  const given = Object.keys(env).filter((name) => env[name]);
  // Organisers with names need no key without one.
  if (env.ORGANISER_KEYS) given.push('ORGANISER_KEY');
  const wanted = Object.entries({ ...newSecrets(), ...kept }).filter(([name]) => !given.includes(name));
  const secrets = Object.fromEntries(wanted);
  if (wanted.some(([name]) => !kept[name])) {
    // Whole or not at all: half a file would lock everybody out at the next start.
    writeFileSync(`${path}.new`, `${JSON.stringify({ ...kept, ...secrets }, null, JSON_INDENT)}\n`, {
      mode: PRIVATE_FILE_MODE,
    });
    renameSync(`${path}.new`, path);
  }
  return secrets;
}

function readSecrets(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw new LaunchError(`${path} cannot be read (${error.message}); remove it to get new secrets.`);
  }
}
