import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildServices, builtIn, type Scripts } from '../local/built-services.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
let made: Promise<Scripts> | undefined;

/** The services as `npm start` runs them: `npm test` has made them, any other command does once, for as long as it lasts. */
export async function builtServices(): Promise<Scripts> {
  const { TEST_SERVICES_FOLDER: folder } = process.env;
  if (folder) return builtIn(folder);
  made ??= buildServices({ root, folder: ownFolder() });
  return made;
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'admit-one-services-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
