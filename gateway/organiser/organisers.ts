import { createHash, timingSafeEqual } from 'node:crypto';
import { bearerToken } from '#shared/admission-token.ts';
import { EnvError } from '#shared/env.ts';

const KEY_LENGTH_MIN = 32;
const NAME_LENGTH_MAX = 100;
/** The name of whoever holds ORGANISER_KEY. */
const UNNAMED = 'organiser';

export type Organisers = {
  /** The name of the organiser who holds a key, in constant time; null for a key that nobody holds. */
  nameOf: (key: string) => string | null;
  /** SHA-256 of every key that an organiser holds; two while one is changed for another. */
  keyDigestsOf: (name: string) => Buffer[];
};

type Holder = { name: string; key: string; variable: string };

/** More would be a key that nobody remembers to take away. */
const KEYS_OF_ONE_MAX = 2;

export const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/**
 * Reads ORGANISER_KEY (its holder is called `organiser`) and ORGANISER_KEYS (`name:key,name:key`). Throws one EnvError
 * that tells every fault and no key.
 */
export function readOrganisers(env: {
  ORGANISER_KEY?: string | undefined;
  ORGANISER_KEYS?: string | undefined;
}): Organisers {
  const holders: Holder[] = (env.ORGANISER_KEYS ?? '')
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair, i) => {
      const [name = '', ...key] = pair.split(':');
      return { name: name.trim(), key: key.join(':').trim(), variable: `ORGANISER_KEYS, pair ${i + 1}` };
    });
  if (env.ORGANISER_KEY !== undefined) {
    holders.push({ name: UNNAMED, key: env.ORGANISER_KEY, variable: 'ORGANISER_KEY' });
  }
  const faults =
    holders.length === 0
      ? ['ORGANISER_KEY or ORGANISER_KEYS (name:key,…): one of them must be set']
      : holders.flatMap(faultsOf);
  if (faults.length > 0) throw new EnvError(faults);
  const known = holders.map(({ name, key }) => ({ name, digest: digestOf(key) }));
  return {
    nameOf(key) {
      const digest = digestOf(key);
      let holder: string | null = null;
      for (const { name, digest: expected } of known) if (timingSafeEqual(digest, expected)) holder = name;
      return holder;
    },
    keyDigestsOf: (name) => known.filter((holder) => holder.name === name).map(({ digest }) => digest),
  };
}

/**
 * The name stands in the audit, so it must say who it was; a key has one holder. A holder has one key, or two while one is
 * changed for another.
 */
function faultsOf({ name, key, variable }: Holder, i: number, holders: Holder[]): string[] {
  const faults: string[] = [];
  const earlier = holders.slice(0, i);
  if (name === '' || name.length > NAME_LENGTH_MAX || /\p{Cc}/u.test(name)) {
    faults.push(`a name of 1 to ${NAME_LENGTH_MAX} characters must stand before the colon`);
  }
  if (key.length < KEY_LENGTH_MIN) {
    faults.push(`the key must have at least ${KEY_LENGTH_MIN} characters`);
  } else if (bearerToken(`Bearer ${key}`) !== key) {
    faults.push('the key may have letters, digits and ._~+/=- only, or no header could carry it (RFC 6750)');
  }
  const namesakes = earlier.filter((other) => other.name === name);
  if (name !== '' && namesakes.length >= KEYS_OF_ONE_MAX) {
    const [first, second] = namesakes.map((other) => other.variable);
    faults.push(`the name ${name} has its two keys from ${first} and ${second}; take one of them away`);
  }
  const sharer = key === '' ? undefined : earlier.find((other) => other.key === key);
  if (sharer) faults.push(`the key is the same as that of ${sharer.variable}`);
  return faults.map((fault) => `${variable}: ${fault}`);
}
