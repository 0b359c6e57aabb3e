import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A request that is never answered is cut by the services themselves after 9 s. */
const CONVERSATION_MS_MAX = 15_000;

export type RawAnswer = { status: number; headers: Map<string, string>; body: string };

/** The next request on a connection that was left open: it must get its own answer, and nobody else's. */
const NEXT = 'GET /livez HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n';

/**
 * Sends bytes as they stand. When `expected` answers have come and the connection is still open, one more request asks for
 * /livez on it. Resolves, once it is closed, to what was answered to the bytes.
 */
export async function converse(port: number, bytes: string, expected: number): Promise<RawAnswer[]> {
  const isHead = bytes.startsWith('HEAD ');
  const socket = connect(port, '127.0.0.1');
  // Every character is the byte of its number.
  socket.write(Buffer.from(bytes, 'latin1'));
  let text = '';
  let askedNext = false;
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
    if (askedNext || !socket.writable || !isAnswered(text, expected, isHead)) return;
    askedNext = true;
    socket.write(NEXT);
  });
  await closed(socket);
  const answers = readAnswers(text, isHead);
  if (askedNext && isLive(answers.at(-1))) answers.pop();
  return answers;
}

/** What is no answer at all is not worth waiting for another one either. */
function isAnswered(text: string, expected: number, isHead: boolean): boolean {
  try {
    return readAnswers(text, isHead).length >= expected;
  } catch {
    return true;
  }
}

const isLive = (answer: RawAnswer | undefined): boolean =>
  answer?.status === 200 && ['ok', '{"status":"live"}'].includes(answer.body);

/** Resolves when the connection is over, by whomever; rejects when it is not in time. */
export function closed(socket: Socket, msMax = CONVERSATION_MS_MAX): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the connection within ${msMax} ms`));
    }, msMax);
    // A reset in the middle of what we send is an end like any other.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** All answers that are whole. Throws where something stands that is none: an answer within another, or its rest. */
export function readAnswers(text: string, isHead = false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1) break;
    const [first = '', ...lines] = text.slice(at, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (!status) throw new Error(`no answer begins with ${JSON.stringify(first.slice(0, 80))}`);
    const headers = new Map(lines.map((line) => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]));
    if (headers.size < lines.length) throw new Error(`a header stands twice: ${lines.map(nameOf)}`);
    const hasNoBody = status < 200 || status === 204 || status === 304 || (isHead && answers.length === 0);
    const isChunked = headers.get('transfer-encoding') === 'chunked';
    const from = headEnd + 4;
    const length = hasNoBody ? 0 : Number(headers.get('content-length') ?? 0);
    const end = !hasNoBody && isChunked ? endOfChunks(text, from) : from + length;
    if (end === null || end > text.length) break;
    answers.push({ status, headers, body: text.slice(from, end) });
    at = end;
  }
  return answers;
}

/** Behind the last of the chunks; null where it is not there yet. */
function endOfChunks(text: string, from: number): number | null {
  for (let at = from; ; ) {
    const size = /^([0-9a-f]+)\r\n/.exec(text.slice(at, at + 10));
    if (!size) return null;
    const bytes = Number.parseInt(size[1] as string, 16);
    at += size[0].length + bytes + 2;
    if (bytes === 0) return at;
  }
}

const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

/** Sends bytes, then a piece a second for as long as anybody listens; resolves to everything that was answered. */
export async function drip(port: number, bytes: string, piece: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  socket.write(Buffer.from(bytes, 'latin1'));
  const dripping = setInterval(() => socket.write(piece), 1_000);
  try {
    await closed(socket);
  } finally {
    clearInterval(dripping);
  }
  return text;
}

/** Few enough at once for any system's queue of connections that nobody has accepted yet. */
const CONNECTING_MAX = 200;

/** Opens connections and says nothing over them. `open` is how many are still open. */
export async function sayNothing(port: number, count: number): Promise<{ open: () => number }> {
  let open = 0;
  for (let opened = 0; opened < count; opened += CONNECTING_MAX) {
    const some = Array.from({ length: Math.min(CONNECTING_MAX, count - opened) }, async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      // What is said on the way out is not listened to.
      socket.resume();
      await once(socket, 'connect');
      open += 1;
      socket.on('close', () => {
        open -= 1;
      });
    });
    await Promise.all(some);
  }
  return { open: () => open };
}
