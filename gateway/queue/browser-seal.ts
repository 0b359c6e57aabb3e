import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { createRecent } from '#shared/recent.ts';
import { secretsOf } from '#shared/secrets.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** NIST SP 800-38D §8.2: random, one per sealing. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Longer than any browser's; what follows tells no two apart. */
const USER_AGENT_CHARS_MAX = 512;
/** Longer than any sealed admission token. */
const SEALED_CHARS_MAX = 2_048;
/** As many as fans who shop at one gateway; 2 KB each. */
const OPENED_KEPT = 20_000;
/** Then it is opened once more: fans who are gone take no room. */
const OPENED_MS = 5 * 60_000;

/**
 * Seals a credential for one browser: what a cookie carries is neither the credential nor of use in a browser of another
 * name, and taken out of the cookie it is no bearer token. `name` is what the browser calls itself (User-Agent), the only thing
 * that every request of it says; whoever copies that too has copied the browser.
 */
export type BrowserSeal = {
  close: (credential: string, name: string | undefined) => string;
  /** Null for whatever was not sealed for a browser of this name. */
  open: (sealed: string, name: string | undefined) => string | null;
};

/** `secret` may name several (shared/secrets.ts): the first seals, all of them open. */
export function browserSeal(secret: string, purpose: string): BrowserSeal {
  const keyOf = (each: string) =>
    Buffer.from(hkdfSync('sha256', each, '', `admit-one ${purpose}`, KEY_BYTES));
  const [key, ...otherKeys] = secretsOf(secret).map(keyOf) as [Buffer, ...Buffer[]];
  // Opening takes 10 µs, and a shopping fan's page asks twice a second.
  const opened = createRecent<{ credential: string; name: string }>({
    keysKept: OPENED_KEPT,
    keptMs: OPENED_MS,
  });
  const known = (name = '') => name.slice(0, USER_AGENT_CHARS_MAX);

  return {
    close(credential, name) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(known(name)));
      const text = Buffer.concat([cipher.update(credential, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed, name) {
      const found = opened.get(sealed);
      if (found) return found.name === known(name) ? found.credential : null;
      const bytes = sealed.length <= SEALED_CHARS_MAX ? Buffer.from(sealed, 'base64url') : Buffer.of();
      // One spelling only, so that none is remembered twice.
      if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== sealed) return null;
      for (const each of [key, ...otherKeys]) {
        const credential = openedWith(each, bytes, known(name));
        if (credential === null) continue;
        opened.set(sealed, { credential, name: known(name) }, performance.now());
        return credential;
      }
      return null;
    },
  };
}

/** Null for what was sealed with another key, for another browser, or by nobody. */
function openedWith(key: Buffer, bytes: Buffer, name: string): string | null {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(name))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
