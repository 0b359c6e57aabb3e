import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { makePassable } from '../local/postgres-place.mjs';
import type { Mutant } from './mutants.ts';

/** Large, and the same in the copy: the packages, and the stores' programs. */
const SHARED = ['node_modules', '.data'];
const LEFT_OUT = [...SHARED, '.git'];

export type Copy = {
  root: string;
  /** Puts the fault into the copy; resolves to what takes it out again. */
  plant: (mutant: Mutant) => Promise<() => Promise<void>>;
  remove: () => Promise<void>;
};

/** A copy of the project to spoil. Nothing is ever changed in the project itself. */
export async function copyOf(project: string): Promise<Copy> {
  const root = await mkdtemp(join(tmpdir(), 'admit-one-mutants-'));
  makePassable(root);
  await cp(project, root, {
    recursive: true,
    filter: (path) => !LEFT_OUT.includes(relative(project, path).split(sep)[0] as string),
  });
  for (const name of SHARED) await symlink(join(project, name), join(root, name));
  return {
    root,
    plant: async (mutant) => {
      const path = join(root, mutant.file);
      const whole = await readFile(path, 'utf8');
      await writeFile(path, spoiled(whole, mutant));
      return () => writeFile(path, whole);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** The text of the file with the fault in it. Throws when it is not clear where that is. */
export function spoiled(whole: string, { file, from, to }: Mutant): string {
  const [before, after, ...more] = whole.split(from);
  if (after === undefined) throw new Error(`${file} does not contain: ${from}`);
  if (more.length > 0) throw new Error(`${file} contains more than once: ${from}`);
  return `${before}${to}${after}`;
}
