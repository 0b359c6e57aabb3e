import { randomFillSync } from 'node:crypto';

const ENTRY_ID_BYTES = 8;
const SECRET_ID_BYTES = 16;
/** Asking the system for 8 bytes costs as much as for 4,096, at every join and hold: they are had in advance. */
const IN_ADVANCE = 512;

export { idPattern } from './id-pattern.ts';

/** 64 random bits as 11 base64url characters: enough to name a queue entry, a sale or an event. */
export const newId = idsOf(ENTRY_ID_BYTES);

/** 128 random bits as 22 base64url characters, for whatever must not be guessed: holds, orders, ticket codes. */
export const newSecretId = idsOf(SECRET_ID_BYTES);

function idsOf(bytes: number): () => string {
  const pool = Buffer.alloc(IN_ADVANCE * bytes);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('base64url', used - bytes, used);
  };
}
