import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { expect, test } from 'vitest';
import { builtServices } from '../testing/built.ts';

/** With a map of every word in packages there are three to four hundred thousand. */
const PLACES_MAX = 130_000;

test.each(['gateway', 'booking', 'worker'] as const)(
  'an error in the %s tells the line of the project that threw it, by a small map',
  async (name) => {
    const { [name]: file } = await builtServices();
    const lines = (await readFile(file, 'utf8')).split('\n');
    const payload = JSON.parse(await readFile(`${file}.map`, 'utf8')) as SourceMapPayload;
    expect(payload.mappings.split(/[;,]/).filter((place) => place.length > 1).length).toBeLessThan(
      PLACES_MAX,
    );

    const thrown = 'throw new EnvError';
    const at = lines.findIndex((line) => line.includes(thrown));
    const found = new SourceMap(payload).findEntry(at, (lines[at] as string).indexOf(thrown));
    if (!('originalSource' in found)) throw new Error(`${thrown} is nowhere`);
    expect(found.originalSource).toMatch(/\.ts$/);
    const source = new URL(found.originalSource, `file://${file}`);
    const original = (await readFile(source, 'utf8')).split('\n')[found.originalLine];
    expect(original).toContain(thrown);
  },
);
