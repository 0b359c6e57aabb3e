import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#shared/clock.ts';
import { secretsOf } from '#shared/secrets.ts';
import { digestOf, type Organisers } from '../../organiser/organisers.ts';

/** A long working day; whoever stays longer brings the key again. */
const SESSION_SECONDS = 12 * 3_600;
/** A name of 100 characters, each of four bytes, in base64url, and the rest. */
const SESSION_LENGTH_MAX = 700;
const COOKIE = 'console';
const SECURE_COOKIE = '__Host-console';

/**
 * Sessions of organisers in their browsers. A session is what its cookie says, so that every gateway accepts it: name and
 * end, under a MAC (HMAC-SHA256, RFC 2104) that also covers the digest of the key that the organiser brought. It ends with its
 * time, and with that key: one that is removed makes no such MAC any more.
 */
export type ConsoleSessions = {
  cookie: string;
  /** The cookie of a new session of whoever holds this key. */
  open: (key: string) => string;
  /** The name of the organiser whose session this is; null for whatever is none of ours, or over. */
  organiserOf: (session: string | undefined) => string | null;
  /** The cookie that ends a browser's session. */
  clear: () => string;
};

export function consoleSessions(options: {
  secret: string;
  organisers: Organisers;
  clock: Clock;
  publicUrl: string;
}): ConsoleSessions {
  const { secret, organisers, clock, publicUrl } = options;
  // Derived under a label of its own (RFC 5869): a queue ticket is never a session.
  const keys = secretsOf(secret).map((each) =>
    Buffer.from(hkdfSync('sha256', each, '', 'admit-one console session', 32)),
  );
  const isSecure = publicUrl.startsWith('https:');
  const cookie = isSecure ? SECURE_COOKIE : COOKIE;
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;

  const macOf = (payload: string, keyDigest: Buffer, by = keys[0] as Buffer): Buffer =>
    createHmac('sha256', by).update(payload).update('\n').update(keyDigest).digest();

  return {
    cookie,
    open(key) {
      const organiser = organisers.nameOf(key);
      if (organiser === null) throw new Error('a session is for an organiser who holds a key');
      const endsAt = Math.floor(clock() / 1000) + SESSION_SECONDS;
      const payload = `c1.${Buffer.from(organiser).toString('base64url')}.${endsAt}`;
      const session = `${payload}.${macOf(payload, digestOf(key)).toString('base64url')}`;
      return `${cookie}=${session}; ${attributes}; Max-Age=${SESSION_SECONDS}`;
    },
    organiserOf(session) {
      if (session === undefined || session.length > SESSION_LENGTH_MAX) return null;
      const [, payload, name, endsAt, mac] =
        /^(c1\.([A-Za-z0-9_-]+)\.(\d{1,12}))\.([A-Za-z0-9_-]{43})$/.exec(session) ?? [];
      if (!payload || !name || !mac || Number(endsAt) * 1000 <= clock()) return null;
      const organiser = Buffer.from(name, 'base64url').toString();
      const given = Buffer.from(mac, 'base64url');
      const isOurs = organisers
        .keyDigestsOf(organiser)
        .some((digest) => keys.some((key) => timingSafeEqual(macOf(payload, digest, key), given)));
      return isOurs ? organiser : null;
    },
    clear: () => `${cookie}=; ${attributes}; Max-Age=0`,
  };
}
