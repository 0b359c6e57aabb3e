import { expect, test } from 'vitest';
import { chromePath, launchChrome } from './chrome.ts';

test.skipIf(!chromePath)('a page’s script runs in a real browser', async () => {
  const browser = await launchChrome();
  try {
    const page = await browser.newPage();
    await page.setContent('<output></output><script>document.querySelector("output").value = 6 * 7</script>');
    expect(await page.locator('output').textContent()).toBe('42');
  } finally {
    await browser.close();
  }
});
