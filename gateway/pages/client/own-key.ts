import { KEY_BYTES } from './pace.ts';

/**
 * This browser's key of a sale. It stands in the storage under the address of the queue page, which learns from it that there
 * may be a place (shell.ts). Null where nothing can be kept.
 */
export function ownKey(queuePage: string): string | null {
  try {
    localStorage[queuePage] ??= crypto.getRandomValues(new Uint8Array(KEY_BYTES)).join('.');
    return localStorage[queuePage] as string;
  } catch {
    return null;
  }
}
