import { type Browser, chromium } from 'playwright-core';

const ROOT_UID = 0;
/** No traffic of its own and nothing that needs a GPU: what a page does is all that happens. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where the browser is, or '' when this machine has none; `npm test` finds it. For `test.skipIf(!chromePath)`. */
export const chromePath = process.env.CHROME_PATH ?? '';

/** A headless Chromium; its sandbox refuses to run as root. */
export const launchChrome = (executablePath = chromePath): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: process.getuid?.() === ROOT_UID ? [...FLAGS, '--no-sandbox'] : FLAGS,
  });
