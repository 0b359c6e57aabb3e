import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { devMailRoutes } from './routes.ts';
import { createFolderTransport } from './transport.ts';

const mail = { id: 'm1', to: 'ada@example.org', subject: 'Your tickets', text: 'text', html: '<p>html</p>' };

test('development mail can be listed and read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'admit-one-mail-'));
  await createFolderTransport(folder).send(mail);
  const app = devMailRoutes({ mailFolder: folder });
  const { id, to, subject } = mail;
  expect(await (await app.request('/dev/mail')).json()).toMatchObject({ mails: [{ id, to, subject }] });
  expect(await (await app.request('/dev/mail/m1')).json()).toMatchObject(mail);
  await rm(folder, { recursive: true });
});

test('where mail is really sent there is none to read', async () => {
  const app = devMailRoutes({ mailFolder: null });
  app.onError((error) => new Response(null, { status: (error as { status?: number }).status ?? 500 }));
  const answers = await Promise.all(['/dev/mail', '/dev/mail/m1'].map((path) => app.request(path)));
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
});
