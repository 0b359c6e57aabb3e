import { parentPort } from 'node:worker_threads';
import { type LobbyOrder, lobbyOrder } from './order.ts';
import { rankFour } from './rank-four.ts';

// The thread of sorter.ts: each call is answered by its number, in the order in which they come.

export type SorterCall = {
  call: number;
  lobby: string;
} & (
  | { method: 'add' | 'remove' | 'arrange'; bytes: Uint8Array }
  | { method: 'digest' | 'all' | 'forget' }
  | { method: 'slice'; from: number; count: number }
);

const lobbies = new Map<string, LobbyOrder>();
const four = rankFour();

function answer(request: SorterCall): unknown {
  const known = lobbies.get(request.lobby) ?? lobbyOrder(four);
  lobbies.set(request.lobby, known);
  switch (request.method) {
    case 'add':
      return known.add(request.bytes);
    case 'remove':
      return known.remove(request.bytes);
    case 'digest':
      return known.digest();
    case 'all':
      return known.all();
    case 'arrange':
      return known.arrange(request.bytes);
    case 'slice':
      return known.slice(request.from, request.count);
    case 'forget':
      return lobbies.delete(request.lobby);
  }
}

parentPort?.on('message', (request: SorterCall) => {
  try {
    parentPort?.postMessage({ call: request.call, result: answer(request) });
  } catch (error) {
    parentPort?.postMessage({ call: request.call, error });
  }
});
