import { randomBytes, randomFillSync } from 'node:crypto';

const ENTRY_ID_BYTES = 8;
const SECRET_ID_BYTES = 16;

/** What a path segment that names something may look like; anything else is `not-found` before a key is read. */
export const idPattern = /^[A-Za-z0-9_-]{1,40}$/;

/** Asking the system for 8 bytes costs as much as for 4,096, at every join: they are had in advance. */
const pool = Buffer.alloc(512 * ENTRY_ID_BYTES);
let used = pool.length;

/** 64 random bits as 11 base64url characters: enough to name a queue entry, a sale or an event. */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ENTRY_ID_BYTES;
  return pool.toString('base64url', used - ENTRY_ID_BYTES, used);
}

/** 128 random bits as 22 base64url characters, for whatever must not be guessed: holds, orders, ticket codes. */
export const newSecretId = (): string => randomBytes(SECRET_ID_BYTES).toString('base64url');
