import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { emailKey } from '../../booking-service/order/email-key.ts';

/** Removes the e-mails to this buyer that a development shop keeps in its data folder. Returns how many there were. */
export async function removeSavedMails(dataDir: string, key: string, isDryRun: boolean): Promise<number> {
  const folder = join(dataDir, 'mail');
  const names = await readdir(folder).catch(() => []);
  let removed = 0;
  for (const name of names.filter((each) => each.endsWith('.json'))) {
    const { to } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { to: string };
    if (emailKey(to) !== key) continue;
    removed += 1;
    if (!isDryRun) await rm(join(folder, name));
  }
  return removed;
}
