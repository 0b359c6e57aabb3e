import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../main.mjs';

/** The real launcher with services that do nothing, so that its own guarantees can be tested in seconds. */
const here = dirname(fileURLToPath(import.meta.url));
const script = (name) => join(here, `${name}.ts`);
const scripts = {
  migrate: script('script'),
  seed: script('script'),
  gateway: script('gateway'),
  booking: script('booking'),
  worker: script('worker'),
};
process.exitCode = await main({ root: join(here, '..', '..', '..'), scripts });
