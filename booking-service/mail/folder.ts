import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MAILS_LISTED_MAX = 200;

export type SavedMail = {
  id: string;
  at: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Their content in base64. */
  attachments: { name: string; type: string; content: string; cid?: string }[];
};
export type MailSummary = Pick<SavedMail, 'id' | 'at' | 'to' | 'subject'>;

/** Writes a mail under its id; the same mail again replaces it. A reader sees all of it or nothing. */
export async function saveMail(folder: string, mail: Omit<SavedMail, 'at'>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const saved: SavedMail = { ...mail, at: new Date().toISOString() };
  const draft = join(folder, `.${mail.id}.${randomBytes(4).toString('hex')}`);
  await writeFile(draft, JSON.stringify(saved));
  await rename(draft, join(folder, `${mail.id}.json`));
}

/** The newest mails, at most MAILS_LISTED_MAX. */
export async function listMails(folder: string): Promise<MailSummary[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, atMs: (await stat(join(folder, name))).mtimeMs })),
  );
  const newest = dated.sort((a, b) => b.atMs - a.atMs).slice(0, MAILS_LISTED_MAX);
  return Promise.all(
    newest.map(async ({ name }) => {
      const { id, at, to, subject } = await parsed(folder, name);
      return { id, at, to, subject };
    }),
  );
}

/** One mail, by an id that is nothing but an id; only names that are listed are opened. */
export async function findMail(folder: string, id: string): Promise<SavedMail | undefined> {
  const name = `${id}.json`;
  return (await namesIn(folder)).includes(name) ? parsed(folder, name) : undefined;
}

const parsed = async (folder: string, name: string): Promise<SavedMail> =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as SavedMail;

/** The folder comes with the first mail. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
