import type { EntryState } from '#shared/contract/queue.ts';

/** A queue entry as the scripts describe it. */
export type Entry = {
  id: string;
  state: EntryState;
  queueNumber: number | null;
  /** Epoch milliseconds, like every time here. */
  claimBy: number | null;
  expiresAt: number | null;
  /** Missed its turn, came back in time, and gets the next free one. */
  returning: boolean;
  /** What the admission token needs, from the claim on. */
  admission: { jti: string; kid: string; iatSeconds: number; expSeconds: number } | null;
  /** The queue's version as of this description. */
  version: number;
};

export type EntryReply = [
  tag: 'entry',
  id: string,
  state: EntryState,
  queueNumber: number,
  claimBy: number,
  expiresAt: number,
  returning: 0 | 1,
  jti: string,
  kid: string,
  iat: number,
  exp: number,
  version: number,
];
/** What a script answers besides comes behind them. */
export const ENTRY_VALUES = 12;

/** Reads what prelude/entries.lua's describe returns; 0 and '' stand for what does not apply. */
export function readEntry(reply: EntryReply | [...EntryReply, unknown]): Entry {
  const [, id, state, queueNumber, claimBy, expiresAt, returning, jti, kid, iatSeconds, expSeconds, version] =
    reply;
  return {
    id,
    state,
    queueNumber: queueNumber || null,
    claimBy: claimBy || null,
    expiresAt: expiresAt || null,
    returning: returning === 1,
    admission: jti === '' ? null : { jti, kid, iatSeconds, expSeconds },
    version,
  };
}
