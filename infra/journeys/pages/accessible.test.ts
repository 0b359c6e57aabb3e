import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locales } from '../../../gateway/pages/locale.ts';
import { chromePath, launchChrome } from '../../testing/chrome.ts';
import { axeFaults, bringAxe, motionFaults, ruleFaults, widthFaults } from '../../testing/page-faults.ts';
import { everythingShown, openScreen } from '../../testing/shown-page.ts';

/** Some twenty seconds where nothing else runs. */
const EVERY_PAGE_MS_MAX = 600_000;
const phone = { width: 390, height: 844 };
/** The narrowest phone (WCAG 1.4.10), and a desk of 1280 x 1024 at 200 % (WCAG 1.4.4). */
const narrow = [
  { width: 320, height: 640 },
  { width: 640, height: 512 },
];
const openAll = `for (const details of document.querySelectorAll('details')) details.open = true`;

/** Each colour scheme and each direction once; German has the marks of English, and long-names.test.ts looks at its widths. */
const readers = [
  { locale: locales.en, colorScheme: 'light' },
  { locale: locales.ar, colorScheme: 'dark' },
] as const;

describe.skipIf(!chromePath)('every page in every state', () => {
  let chrome: Browser;
  beforeAll(async () => {
    chrome = await launchChrome();
  });
  afterAll(() => chrome?.close());

  test.concurrent.each(readers)(
    'keeps to WCAG 2.2 AA, shows the focus, is large enough to touch, fits and stands still: $locale.name, $colorScheme',
    async ({ locale, colorScheme }) => {
      const { page, show, faults, close } = await openScreen(chrome, {
        ...{ viewport: phone, colorScheme, reducedMotion: 'reduce' },
      });
      await bringAxe(page);
      const found: string[] = [];
      for (const shown of everythingShown(locale)) {
        await page.setViewportSize(phone);
        await show(locale, shown);
        await page.evaluate(openAll);
        const here = [
          ...(await axeFaults(page)),
          ...(await ruleFaults(page)),
          ...(await motionFaults(page)),
          ...(await widthFaults(page)),
        ];
        for (const size of narrow) {
          await page.setViewportSize(size);
          here.push(...(await widthFaults(page)));
        }
        here.push(...faults.splice(0));
        found.push(...here.map((fault) => `${shown.name}: ${fault}`));
      }
      expect(found).toEqual([]);
      await close();
    },
    EVERY_PAGE_MS_MAX,
  );

  test('these checks find what is wrong', async () => {
    const page = await chrome.newPage({ viewport: phone });
    await bringAxe(page);
    await page.goto('about:blank');
    await page.setContent(`<!doctype html><html><title></title><style>
      @keyframes turn { to { rotate: 1turn } } i { display: block; animation: turn 1s infinite } a { outline: none }
      button { height: 20px; transition: all 1s } p { color: #999; background: #fff; overflow-x: hidden }</style>
      <h1>One</h1><h1>Two</h1><i>x</i><button>Buy</button><p><span style="font-size: 90px">Wide&nbsp;words</span></p>
      <p>Pale</p><div style="width: 900px">Wide</div><div><a href="/">Alone</a></div><img src="data:,"><label>Name</label><input>`);
    const rules = (await axeFaults(page)).map((fault) => fault.split(':')[0]);
    for (const rule of ['color-contrast', 'document-title', 'html-has-lang', 'image-alt', 'label', 'region'])
      expect(rules).toContain(rule);
    const own = await ruleFaults(page);
    expect(own).toContainEqual('2 first headings');
    expect(own).toContainEqual(expect.stringMatching(/^too small to touch .*<button/));
    expect(own).toContainEqual(expect.stringMatching(/^too small to touch .*<a/));
    expect(own).toContainEqual(expect.stringMatching(/^does not show the focus: <a/));
    const widths = await widthFaults(page);
    expect(widths[0]).toContain('scrolls sideways by');
    expect(widths[1]).toContain('cut: <p');
    expect((await motionFaults(page)).map((fault) => fault.split(':')[0])).toEqual(['moves', 'would move']);
    await page.close();
  });
});
