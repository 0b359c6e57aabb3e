import { symlinkSync } from 'node:fs';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFile(join(root, path), 'utf8');

/** The image that the Dockerfile builds of the stage `shop`, as far as it can be followed without an engine. */
export type Image = {
  copied: { from: string; to: string }[];
  env: Record<string, string>;
  removed: string[];
};

export async function readImage(): Promise<Image> {
  const lines = (await read('infra/containers/Dockerfile')).replaceAll(/\\\n/g, ' ').split('\n');
  const image: Image = { copied: [], env: {}, removed: [] };
  let stage = '';
  for (const line of lines) {
    const [word = '', ...rest] = line.trim().split(/\s+/);
    if (word === 'FROM') stage = rest.at(-1) ?? '';
    if (stage === 'packages' && word === 'RUN') image.removed.push(...removedBy(rest));
    if (stage !== 'shop') continue;
    if (word === 'ENV') Object.assign(image.env, Object.fromEntries(rest.map(variableOf)));
    if (word === 'COPY' && !rest[0]?.startsWith('--')) {
      const to = rest.at(-1) ?? '';
      for (const from of rest.slice(0, -1)) image.copied.push({ from, to });
    }
  }
  return image;
}

const variableOf = (pair: string): [string, string] => {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
};

const removedBy = (words: string[]) =>
  words.filter((word) => word.startsWith('node_modules/')).map((word) => word.slice('node_modules/'.length));

/** What an image holds, made in `folder`: the files that are copied, and of the packages those that are not for development. */
export async function unpackImage(image: Image, folder: string): Promise<void> {
  const isLeftOut = await leftOut();
  for (const { from, to } of image.copied) {
    const path = to.endsWith('/') ? join(folder, to, from) : join(folder, to);
    await cp(join(root, from), path, {
      recursive: true,
      filter: (source) => !isLeftOut(source.slice(root.length)),
    });
  }
  const lock = JSON.parse(await read('package-lock.json')) as { packages: Record<string, { dev?: boolean }> };
  const packages = Object.entries(lock.packages)
    .filter(([path, { dev }]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) && !dev)
    .map(([path]) => path)
    .filter((path) => !image.removed.some((name) => `${path}/`.startsWith(`node_modules/${name}/`)));
  for (const path of packages) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(root, path), join(folder, path));
  }
}

/** By the file of what is left out: names at the root, and with a double asterisk anywhere. */
async function leftOut(): Promise<(path: string) => boolean> {
  const lines = (await read('infra/containers/Dockerfile.dockerignore')).split('\n');
  const patterns = lines.filter((line) => line !== '' && !/^[#!]/.test(line) && line !== '*');
  const asSource = (pattern: string) =>
    pattern
      .replaceAll('.', '\\.')
      .replaceAll('**/', '(?:.*/)?')
      .replaceAll(/(?<!\.)\*/g, '[^/]*');
  const expressions = patterns.map((pattern) => new RegExp(`^${asSource(pattern)}(?:/|$)`));
  return (path) => expressions.some((expression) => expression.test(path));
}

export type ComposedService = {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
  volumes?: string[];
  networks?: string[] | Record<string, unknown>;
  ports?: string[];
};

/** compose.yaml with its defaults filled in (`${NAME:-default}`). */
export async function readCompose(): Promise<Record<string, ComposedService>> {
  const text = await read('infra/containers/compose.yaml');
  const filled = text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
  return (parse(filled, { merge: true }) as { services: Record<string, ComposedService> }).services;
}
