import { Hono } from 'hono';
import { noSuch, pathId } from '../caller/path-id.ts';
import { findMail, listMails } from './folder.ts';

/** Development only: what would have been mailed. Without a folder there is nothing here. */
export function devMailRoutes({ mailFolder }: { mailFolder: string | null }): Hono {
  return new Hono()
    .get('/dev/mail', async (c) => {
      if (mailFolder === null) throw noSuch('mail');
      return c.json({ mails: await listMails(mailFolder) });
    })
    .get('/dev/mail/:mail', async (c) => {
      const mail = mailFolder === null ? undefined : await findMail(mailFolder, pathId(c, 'mail'));
      if (!mail) throw noSuch('mail');
      return c.json(mail);
    });
}
