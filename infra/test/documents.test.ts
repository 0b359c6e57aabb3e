import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { operations } from '#shared/contract/operations.ts';
import { mutants } from '../mutants/mutants.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = ['', 'docs/', 'loadtest/', 'gateway/lobby/', 'gateway/organiser/'].flatMap((folder) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`),
);
const textOf = (document: string) => readFileSync(`${root}${document}`, 'utf8');
const scripts = Object.keys(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts);

test.each(documents)('%s: every command and every file that it names exists', (document) => {
  const text = textOf(document);
  const commands = [...text.matchAll(/npm run (?:-s )?([a-z][\w-]*(?::\w+)*)/g)].map(([, name]) =>
    String(name),
  );
  expect(commands.filter((name) => !scripts.includes(name))).toEqual([]);
  const files = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path);
  expect(files.filter((path) => !existsSync(join(root, dirname(document), String(path))))).toEqual([]);
});

test('every address of the organiser that the runbook asks is one of the contract', () => {
  const paths = operations.map(({ path }) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`));
  const asked = [...textOf('RUNBOOK.md').matchAll(/\/api\/organiser\/[\w/$.-]+/g)].map(([path]) => path);
  expect(asked.length).toBeGreaterThan(4);
  expect(asked.filter((path) => !paths.some((known) => known.test(path)))).toEqual([]);
});

test.each(['README.md', 'CHANGELOG.md'])('%s counts the planted faults as they are', (document) => {
  expect(textOf(document)).toMatch(new RegExp(`\\b${mutants.length} (?:planted )?faults\\b`));
});
