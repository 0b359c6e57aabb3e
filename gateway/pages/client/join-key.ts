// The page of the own place and the queue page (shell.ts) are one browser's ways to one place: a join on either, whose answer
// is lost, is found again by the other, for both send the same key. Without a storage it is the one in the cookie.
import { ownKey } from './own-key.ts';

addEventListener('submit', ({ target }) => {
  const form = target as HTMLFormElement;
  const field = form.elements.namedItem('key') as HTMLInputElement | null;
  if (field) field.value = ownKey(new URL(form.action).pathname.replace(/\/join$/, '')) ?? '';
});
