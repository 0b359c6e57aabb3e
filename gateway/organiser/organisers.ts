import { createHash, timingSafeEqual } from 'node:crypto';
import { EnvError } from '#shared/env.ts';

const KEY_LENGTH_MIN = 32;

/** Finds the name of the organiser who holds a key, in constant time; null for a key that nobody holds. */
export type Organisers = { nameOf: (key: string) => string | null };

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** Reads ORGANISER_KEY (its holder is called `organiser`) and ORGANISER_KEYS (`name:key,name:key`). */
export function readOrganisers(env: {
  ORGANISER_KEY?: string | undefined;
  ORGANISER_KEYS?: string | undefined;
}): Organisers {
  const named = (env.ORGANISER_KEYS ?? '')
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [name = '', ...key] = pair.trim().split(':');
      return { name, key: key.join(':') };
    });
  if (env.ORGANISER_KEY !== undefined) named.push({ name: 'organiser', key: env.ORGANISER_KEY });
  if (named.length === 0 || named.some(({ name, key }) => name === '' || key.length < KEY_LENGTH_MIN)) {
    throw new EnvError(
      `The environment is not complete:\n  ORGANISER_KEY or ORGANISER_KEYS (name:key,…): must be set, each key with at least ${KEY_LENGTH_MIN} characters`,
    );
  }
  const known = named.map(({ name, key }) => ({ name, digest: digestOf(key) }));
  return {
    nameOf(key) {
      const digest = digestOf(key);
      let holder: string | null = null;
      for (const { name, digest: expected } of known) if (timingSafeEqual(digest, expected)) holder = name;
      return holder;
    },
  };
}
