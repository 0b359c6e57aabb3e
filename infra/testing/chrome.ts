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

/** A page of a test is there for a moment: to make its scripts fast takes longer than to run them. */
const WITHOUT_OPTIMISER = '--js-flags=--no-opt --no-maglev';

/** Where the browser is, or '' when this machine has none; `npm test` finds it. For `test.skipIf(!chromePath)`. */
export const chromePath = process.env.CHROME_PATH ?? '';

/** A headless Chromium; its sandbox refuses to run as root. `isMeasured`: scripts are as fast as they are for a fan. */
export const launchChrome = (executablePath = chromePath, isMeasured = false): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      ...FLAGS,
      ...(isMeasured ? [] : [WITHOUT_OPTIMISER]),
      ...(process.getuid?.() === ROOT_UID ? ['--no-sandbox'] : []),
    ],
  });
