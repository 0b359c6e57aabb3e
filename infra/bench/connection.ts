import { connect } from 'node:net';

const HEAD_END = '\r\n\r\n';

export type Reply = { status: number; head: string; body: string };

/** A kept HTTP/1.1 connection on loopback that carries one request at a time, for as little as a client can cost. */
export type Connection = { ask: (request: string) => Promise<Reply>; close: () => void };

export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let text = '';
  let answered: ((reply: Reply) => void) | null = null;
  let failed: ((error: Error) => void) | null = null;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const headEnd = text.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = text.slice(0, headEnd);
    const at = head.toLowerCase().indexOf('content-length: ');
    const length = at === -1 ? 0 : Number.parseInt(head.slice(at + 16), 10);
    if (text.length < headEnd + HEAD_END.length + length) return;
    const body = text.slice(headEnd + HEAD_END.length);
    text = '';
    answered?.({ status: Number(head.slice(9, 12)), head, body });
  });
  socket.on('close', () => failed?.(new Error('A connection was closed.')));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        answered = resolve;
        failed = reject;
        socket.write(request);
      }),
    close: () => {
      failed = null;
      socket.destroy();
    },
  };
}
