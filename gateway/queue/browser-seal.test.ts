import fc from 'fast-check';
import { expect, test } from 'vitest';
import { browserSeal } from './browser-seal.ts';

const seal = browserSeal('a-secret', 'a purpose');
const TOKEN = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';

test('what was sealed for a browser opens for that browser, again and at every gateway with the secret', () => {
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string({ maxLength: 2_000 }), { nil: undefined }), (text, name) => {
      const sealed = seal.close(text, name);
      expect(sealed).toMatch(/^[\w-]+$/);
      if (text === '') return;
      for (const gateway of [seal, seal, browserSeal('a-secret', 'a purpose')])
        expect(gateway.open(sealed, name)).toBe(text);
    }),
  );
});

test('it opens for no other browser, before and after its own has opened it', () => {
  const sealed = seal.close(TOKEN, 'Firefox on a telephone');
  for (const other of ['Chrome on a desk', 'Firefox', '', undefined])
    expect(seal.open(sealed, other)).toBeNull();
  expect(seal.open(sealed, 'Firefox on a telephone')).toBe(TOKEN);
  for (const other of ['Chrome on a desk', 'Firefox', '', undefined])
    expect(seal.open(sealed, other)).toBeNull();
});

test('neither the credential itself, nor another secret’s or purpose’s, nor one that was changed anywhere, opens', () => {
  const sealed = seal.close(TOKEN, 'A browser');
  expect(sealed).not.toContain('eyJ');
  expect(seal.open(TOKEN, 'A browser')).toBeNull();
  for (const other of [browserSeal('another', 'a purpose'), browserSeal('a-secret', 'another')])
    expect(other.open(sealed, 'A browser')).toBeNull();
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`;
    expect(seal.open(changed, 'A browser')).toBeNull();
    expect(seal.open(sealed.slice(0, at), 'A browser')).toBeNull();
  }
  for (const more of ['=', ' ', 'A', '.', '\n']) expect(seal.open(sealed + more, 'A browser')).toBeNull();
  expect(seal.open(`${sealed}${'A'.repeat(5_000)}`, 'A browser')).toBeNull();
});

test('a change of the secret closes no fan out: the first of several seals, all of them open', () => {
  const [before, between, after] = ['old', 'new, old', 'new'].map((secret) =>
    browserSeal(secret, 'a purpose'),
  );
  expect(between?.open(before?.close(TOKEN, 'A browser') ?? '', 'A browser')).toBe(TOKEN);
  const sealed = between?.close(TOKEN, 'A browser') ?? '';
  expect(after?.open(sealed, 'A browser')).toBe(TOKEN);
  expect(before?.open(sealed, 'A browser')).toBeNull();
});
