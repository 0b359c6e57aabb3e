import { createTransport } from 'nodemailer';
import { saveMail } from './folder.ts';

const CONNECTIONS_MAX = 4;
const MAILS_PER_CONNECTION_MAX = 100;
const defaultTimeouts = { connectMs: 10_000, greetingMs: 10_000, silenceMs: 20_000 };

/** One e-mail. The id makes its Message-ID: sent again, it is the same mail, and mail programs show it once. */
export type Mail = {
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  attachments?: Attachment[];
};

/** A file that comes with a mail; one with a `cid` is a picture that the HTML shows by that name (RFC 2392). */
export type Attachment = { name: string; type: string; content: Buffer; cid?: string };

export type MailTransport = {
  /** Resolves when the mail server has accepted the mail. */
  send: (mail: Mail) => Promise<void>;
  close: () => void;
};

/** Mail over SMTP, on connections that are kept and whose every step has a deadline. */
export function createSmtpTransport(options: {
  smtpUrl: string;
  from: string;
  timeouts?: typeof defaultTimeouts;
}): MailTransport {
  const { smtpUrl, from, timeouts = defaultTimeouts } = options;
  const { hostname, port, protocol, username, password } = new URL(smtpUrl);
  const smtp = createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    secure: protocol === 'smtps:',
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === ''
      ? {}
      : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MAILS_PER_CONNECTION_MAX,
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.silenceMs,
    // Nothing that a fan wrote may make the server read a file or fetch an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'admit-one.example';
  return {
    send: async ({ id, to, subject, text, html, attachments = [] }) => {
      await smtp.sendMail({
        from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        attachments: attachments.map(({ name, type, content, cid }) => ({
          ...{ filename: name, contentType: type, content },
          ...(cid === undefined ? {} : { cid, contentDisposition: 'inline' }),
        })),
        messageId: `<${id}@${domain}>`,
        headers: { 'auto-submitted': 'auto-generated' },
      });
    },
    close: () => smtp.close(),
  };
}

/** Development without a mail server: each mail becomes a file that can be read at /dev/mail. */
export const createFolderTransport = (folder: string): MailTransport => ({
  send: ({ attachments = [], ...mail }) =>
    saveMail(folder, {
      ...mail,
      attachments: attachments.map((file) => ({ ...file, content: file.content.toString('base64') })),
    }),
  close: () => undefined,
});
