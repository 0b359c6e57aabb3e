import { randomBytes } from 'node:crypto';

const ENTRY_ID_BYTES = 8;
const SECRET_ID_BYTES = 16;

/** What a path segment that names something may look like; anything else is `not-found` before a key is read. */
export const idPattern = /^[A-Za-z0-9_-]{1,40}$/;

/** 64 random bits as 11 base64url characters: enough to name a queue entry, a sale or an event. */
export const newId = (): string => randomBytes(ENTRY_ID_BYTES).toString('base64url');

/** 128 random bits as 22 base64url characters, for whatever must not be guessed: holds, orders, ticket codes. */
export const newSecretId = (): string => randomBytes(SECRET_ID_BYTES).toString('base64url');
