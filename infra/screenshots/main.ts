import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { locales } from '../../gateway/pages/locale.ts';
import { createRoster } from '../local/roster.mjs';
import { findChrome } from '../test/chrome.mjs';
import { launchChrome } from '../testing/chrome.ts';
import { openScreen } from '../testing/shown-page.ts';
import { contactSheet } from './contact-sheet.ts';
import { devices, looks, type Picture, plannedPictures } from './pictures.ts';

/** Pages of the browser that draw side by side. */
const SCREENS = 2;

/**
 * `npm run screenshots [-- WORD ...]`: draws every page in every state, or those whose names have all the words in them,
 * into `screenshots`, with an index. What an earlier run left there goes. Resolves to the exit code.
 */
export async function main({ root, args }: { root: string; args: string[] }): Promise<number> {
  const pictures = await plannedPictures(args);
  if (pictures.length === 0) {
    process.stderr.write(`No picture has all of these words in its name: ${args.join(', ')}\n`);
    return 2;
  }
  const path = await findChrome(createRoster());
  if (!path) return 2;
  const folder = join(root, 'screenshots');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const chrome = await launchChrome(path);
  try {
    const groups = looks.map((look) => pictures.filter((picture) => picture.look === look));
    const next = groups.filter((group) => group.length > 0).values();
    // One iterator: each takes the group that is next.
    const draw = async () => {
      for (const group of next) await drawGroup(chrome, group, folder);
    };
    await Promise.all(Array.from({ length: SCREENS }, draw));
  } finally {
    await chrome.close();
  }
  const index = join(folder, 'index.html');
  await writeFile(index, await contactSheet(pictures));
  process.stdout.write(`${pictures.length} pictures; all of them: ${index}\n`);
  return 0;
}

/** Pictures of one look. */
async function drawGroup(chrome: Browser, group: Picture[], folder: string): Promise<void> {
  const [first] = group;
  if (!first) return;
  const { language, device, scheme } = first.look;
  const screen = await openScreen(chrome, { viewport: devices[device], colorScheme: scheme });
  for (const { name, shown, isUnfolded } of group) {
    await screen.show(locales[language], shown);
    if (isUnfolded)
      await screen.page.evaluate(
        `for (const folded of document.querySelectorAll('details')) folded.open = true`,
      );
    await screen.page.screenshot({
      ...{ path: join(folder, `${name}.png`), fullPage: true, animations: 'disabled' },
    });
  }
  await screen.close();
}
