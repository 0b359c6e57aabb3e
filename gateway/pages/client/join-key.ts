// The page of the own place and the queue page (shell.ts) are one browser's ways to one place: a join on either, whose answer
// is lost, is found again by the other, for both send the key that stands in the storage under the address of the queue page.
import { KEY_BYTES } from './pace.ts';

addEventListener('submit', ({ target }) => {
  const form = target as HTMLFormElement;
  const field = form.elements.namedItem('key') as HTMLInputElement | null;
  if (!field) return;
  const queuePage = new URL(form.action).pathname.replace(/\/join$/, '');
  try {
    localStorage[queuePage] ??= crypto.getRandomValues(new Uint8Array(KEY_BYTES)).join('.');
    field.value = localStorage[queuePage];
  } catch {
    // Without a storage the key is the one in the cookie.
  }
});
