import { SMTPServer } from 'smtp-server';

export type MailServer = {
  url: string;
  /** Of every message that was accepted, by its id, how often. */
  accepted: ReadonlyMap<string, number>;
  /** What becomes of mails from now on. A mail that is stalled is never answered. */
  behave: (how: 'accepts' | 'refuses' | 'stalls') => void;
  /** Resolves in the moment in which the next mail is accepted, before its sender can know. */
  nextAccepted: () => Promise<void>;
  stop: () => Promise<void>;
};

const TRY_LATER = 451;

/** A mail server that keeps nothing of a mail but its id, and that can be in a bad mood. */
export async function startMailServer(): Promise<MailServer> {
  const accepted = new Map<string, number>();
  let behaviour: Parameters<MailServer['behave']>[0] = 'accepts';
  let tell: () => void = () => undefined;
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    onData(stream, _session, answer) {
      let text = '';
      stream.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
      });
      stream.on('end', () => {
        if (behaviour === 'stalls') return;
        if (behaviour === 'refuses') {
          answer(Object.assign(new Error('Not now.'), { responseCode: TRY_LATER }));
          return;
        }
        const [, id = '?'] = /^message-id:\s*<([^@>]+)@/im.exec(text) ?? [];
        accepted.set(id, (accepted.get(id) ?? 0) + 1);
        tell();
        answer();
      });
    },
  });
  server.on('error', () => undefined); // A worker that is killed in the middle of a mail.
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as { port: number };
  return {
    url: `smtp://127.0.0.1:${port}`,
    accepted,
    behave: (how) => {
      behaviour = how;
    },
    nextAccepted: () =>
      new Promise((resolve) => {
        tell = resolve;
      }),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
