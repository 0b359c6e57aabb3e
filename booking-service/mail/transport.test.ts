import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findMail, listMails } from './folder.ts';
import { createFolderTransport, createSmtpTransport, type Mail } from './transport.ts';

const mail = (over: Partial<Mail> = {}): Mail => ({
  id: 'm1',
  to: 'ada@example.org',
  subject: 'Your tickets',
  text: 'text',
  html: '<p>html</p>',
  ...over,
});

describe('a folder of mail', () => {
  let folder: string;

  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'admit-one-mail-')), 'mail');
  });

  afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

  test('is empty before the first mail', async () => {
    expect(await listMails(folder)).toEqual([]);
    expect(await findMail(folder, 'm1')).toBeUndefined();
  });

  test('keeps every mail once, however often it is sent', async () => {
    const { send } = createFolderTransport(folder);
    await Promise.all([send(mail()), send(mail()), send(mail({ id: 'm2' }))]);
    const listed = await listMails(folder);
    expect(listed.map(({ id }) => id).sort()).toEqual(['m1', 'm2']);
    expect(listed[0]).not.toHaveProperty('text');
    expect(await findMail(folder, 'm1')).toMatchObject({ ...mail(), attachments: [] });
  });

  test('opens nothing that it does not list', async () => {
    await createFolderTransport(folder).send(mail());
    for (const id of ['../m1', '..', '', 'm1.json', './m1'])
      expect(await findMail(folder, id)).toBeUndefined();
  });
});

describe('mail over SMTP', () => {
  test('cannot be given further headers or recipients by what people write', async () => {
    const received: { recipients: string[]; source: string }[] = [];
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData(stream, session, callback) {
        const parts: Buffer[] = [];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () => {
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          received.push({ recipients, source: Buffer.concat(parts).toString() });
          callback();
        });
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const smtp = createSmtpTransport({ smtpUrl: `smtp://127.0.0.1:${port}`, from: 'a@b.example' });
    await smtp.send(mail({ subject: 'Tickets\r\nBcc: eve@example.org\r\n\r\nbody' }));
    await expect(smtp.send(mail({ to: 'ada@example.org, eve@example.org' }))).rejects.toThrow(/recipient/);
    const picture = {
      name: 'code.png',
      type: 'image/png',
      content: Buffer.from('picture'),
      cid: 'c@tickets',
    };
    await smtp.send(mail({ html: '<img src="cid:c@tickets">', attachments: [picture] }));
    smtp.close();
    await new Promise<void>((resolve) => server.close(resolve));
    expect(received[0]?.source).not.toMatch(/^bcc:/im);
    expect(received[1]?.source).toMatch(/^content-id: <c@tickets>\r$/im);
    expect(received[1]?.source).toMatch(/^content-disposition: inline; filename=code\.png\r$/im);
    expect(received.map(({ recipients }) => recipients)).toEqual([['ada@example.org'], ['ada@example.org']]);
  });

  test('to a server that says nothing fails by itself', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const timeouts = { connectMs: 10_000, greetingMs: 100, silenceMs: 10_000 };
    const smtp = createSmtpTransport({ smtpUrl: `smtp://127.0.0.1:${port}`, from: 'a@b.example', timeouts });
    await expect(smtp.send(mail())).rejects.toThrow(/greeting/i);
    smtp.close();
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
});
