import { expect, test } from 'vitest';
import { answerFinished, finishJson } from './finished-answer.ts';

const finished = finishJson({ name: 'Nora' }, 'public, max-age=1');
const { etag } = finished;

test('the tag is strong and belongs to the bytes', () => {
  expect(etag).toMatch(/^"[\w-]{22}"$/);
  expect(finishJson({ name: 'Nora' }, 'no-store').etag).toBe(etag);
  expect(finishJson({ name: 'nora' }, 'public, max-age=1').etag).not.toBe(etag);
});

test.each([
  ['the tag', etag],
  ['the tag made weak, as a compressing proxy does', `W/${etag}`],
  ['a list', `"other", W/${etag}`],
  ['a list without blanks', `"other",${etag},"more"`],
  ['a list beside a tag with a comma in it', `"a, b", ${etag}`],
  ['anything', '*'],
  ['anything, with blanks', ' * '],
])('%s is answered with 304, without a body', async (_, ifNoneMatch) => {
  const answer = answerFinished(finished, ifNoneMatch);
  expect(answer.status).toBe(304);
  expect(await answer.text()).toBe('');
  expect(Object.fromEntries(answer.headers)).toEqual({ etag, 'cache-control': 'public, max-age=1' });
});

test.each([
  ['no header', undefined],
  ['an empty one', ''],
  ['another tag', '"other"'],
  ['a tag without its quotes', etag.slice(1, -1)],
  ['a star in a tag', '"*"'],
  ['a tag that only contains it', `"x${etag.slice(1)}`],
  ['a lower-case weak mark in front of nothing', 'w/'],
])('%s is answered with the bytes', async (_, ifNoneMatch) => {
  const answer = answerFinished(finished, ifNoneMatch);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ name: 'Nora' });
});
