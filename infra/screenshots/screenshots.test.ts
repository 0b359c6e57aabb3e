import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { languages, locales } from '../../gateway/pages/locale.ts';
import { chromePath } from '../testing/chrome.ts';
import { everythingShown } from '../testing/shown-page.ts';
import { main } from './main.ts';
import { plannedPictures } from './pictures.ts';

test('every state of every page has a picture of its own name, light and dark, on phone and desk, in both directions', async () => {
  const pictures = await plannedPictures([]);
  const names = pictures.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name: of } of everythingShown(locales.en))
    for (const look of ['en-phone', 'en-desk', 'ar-phone', 'ar-desk'])
      for (const scheme of ['light', 'dark'])
        expect(
          pictures.filter((each) => each.of === of && each.name.endsWith(`--${look}-${scheme}`)),
        ).toHaveLength(1);
  expect(new Set(pictures.map(({ look }) => look.language))).toEqual(new Set(languages));
});

test('words choose pictures whose names have all of them', async () => {
  const chosen = (await plannedPictures(['Waiting', 'ar', 'dark'])).map(({ name }) => name);
  expect(chosen).toContain('queue-waiting--ar-phone-dark');
  for (const name of chosen) expect(name).toMatch(/waiting.*dark/);
});

test.skipIf(!chromePath)(
  'a run draws the chosen pictures and an index of them, and takes away those of the last',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'admit-one-screenshots-'));
    try {
      const draw = (...args: string[]) => main({ root, args });
      expect(await draw('home-no-concert', 'en-phone-light')).toBe(0);
      expect(await draw('nothing has this name')).toBe(2);
      expect(await draw('home-no-concert', 'ar-desk')).toBe(0);
      const files = ['home-no-concert--ar-desk-dark.png', 'home-no-concert--ar-desk-light.png', 'index.html'];
      expect(await readdir(join(root, 'screenshots'))).toEqual(files);
      const index = await readFile(join(root, 'screenshots', 'index.html'), 'utf8');
      const shown = [...index.matchAll(/src="([^"]+)"/g)].map(([, src = '']) => src);
      expect(shown.sort()).toEqual(files.slice(0, 2));
      for (const src of shown) expect(existsSync(join(root, 'screenshots', src))).toBe(true);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
);
