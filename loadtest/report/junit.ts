import { type PromiseName, promises } from '../../infra/history/promises.ts';
import { escaped } from './escape.ts';
import type { Report } from './report.ts';

/** A report for build servers: a case for each promise and each check, which fails with all that was found. */
export function junitXml({
  title,
  judgement,
  checks,
}: Pick<Report, 'title' | 'judgement' | 'checks'>): string {
  const cases = [
    ...Object.entries(judgement).map(([name, found]) => ({
      ...{ name: `${promises[name as PromiseName].keeps} (${name})`, found },
    })),
    ...Object.entries(checks).map(([name, found]) => ({ name, found })),
  ];
  const failures = cases.filter(({ found }) => found.length > 0).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(title)}" ${counts}>`,
    ...cases.map(({ name, found }) => testCase(name, found)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(name: string, [first, ...more]: string[]): string {
  const head = `    <testcase classname="loadtest" name="${escaped(name)}"`;
  if (first === undefined) return `${head}/>`;
  const all = [first, ...more].map(escaped).join('\n');
  return `${head}>\n      <failure message="${escaped(first)}">${all}</failure>\n    </testcase>`;
}
