import { expect, test } from 'vitest';
import { junitXml } from './junit.ts';
import { page } from './page.ts';
import { ticks } from './plots.ts';
import { isFailed, type Report } from './report.ts';

const kept: Report = {
  ...{ title: 'A run <of fans> & "bots"', lines: ['10 < 20'], figures: {} },
  ...{ judgement: { oversold: [], books: [] }, checks: { 'a rate is borne': [] } },
  plots: [
    {
      ...{ title: 'Times', x: 'seconds', y: 'ms' },
      lines: [{ name: 'p99', points: [1, 2, 3].map((x) => ({ x, y: x * 50 })) }],
    },
  ],
};
const broken: Report = {
  ...kept,
  judgement: { oversold: ['Seat <A-1>\u0000 & \ud800 twice', 'and B'], books: [] },
};

test('a broken promise or a failed check fails a report, and nothing else does', () => {
  expect(isFailed(kept)).toBe(false);
  expect(isFailed(broken)).toBe(true);
  expect(isFailed({ ...kept, checks: { flat: ['it grew'] } })).toBe(true);
});

test('JUnit has a case for each promise and check, and a failure with all that was found', () => {
  expect(junitXml(kept)).toContain('tests="3" failures="0"');
  const xml = junitXml(broken);
  expect(xml).toContain('tests="3" failures="1"');
  expect(xml).toContain('<failure message="Seat &lt;A-1&gt;\ufffd &amp; \ufffd twice">');
  expect(xml).toContain('and B</failure>');
  expect(xml).not.toMatch(/<testsuite name="[^"]*[<&](?!amp;|lt;|gt;|quot;)/);
});

test('the page says what was broken, needs no script and nothing from elsewhere', () => {
  const html = page(broken);
  expect(html).toContain('Seat &lt;A-1&gt;');
  expect(html).toContain('<polyline points="');
  expect(html).not.toMatch(/<script|\b(?:src|href)=|url\(/);
  expect(page(kept)).toContain('All was as it was to be');
});

test('a figure without points, or of one value only, has axes all the same', () => {
  for (const lines of [[], [{ name: 'p99', points: [{ x: 5, y: 0 }] }]])
    expect(page({ ...kept, plots: [{ title: 'x', x: 'x', y: 'y', lines }] })).not.toContain('NaN');
  expect(ticks(0, 0.3)).toEqual([0, 0.1, 0.2, 0.3]);
  expect(ticks(0, 1_234)).toEqual([0, 500, 1_000, 1_500]);
});
