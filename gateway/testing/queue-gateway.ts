import type { StatusAnswer } from '#shared/contract/queue.ts';
import { createDrawing } from '../lobby/draw.ts';
import { joinQueue } from '../queue/join.ts';
import { measurePolls } from '../queue/pace.ts';
import { limitPolls } from '../queue/poll-limit.ts';
import { keepPresence } from '../queue/presence.ts';
import { type Queue, readStatus } from '../queue/status.ts';
import { createTicketMint, type QueueTicket } from '../queue/ticket.ts';
import { watchQueues } from '../queue/watch.ts';
import { keepMemory } from '../recovery/keep-memory.ts';
import { lobbyFiles } from '../recovery/lobby-files.ts';
import { memoryFiles } from '../recovery/memory-files.ts';
import { createHeard } from '../redis/heard.ts';
import type { Store } from '../redis/script.ts';
import { silentLog } from './queue-fixture.ts';

export const tickets = createTicketMint('a-queue-ticket-secret-of-32-characters');

/** A fan of a test, who keeps what a browser would. */
export type TestFan = { key: string; ticket: QueueTicket; version: number; seen: StatusAnswer };

/** The queue's side of one gateway process: several of them share a Redis. */
export type QueueGateway = {
  queue: Queue;
  join: (sale: string, key: string, accessCode?: string | null) => Promise<TestFan>;
  poll: (fan: TestFan) => Promise<StatusAnswer>;
  /** What it does several times a second, now. */
  look: (sale: string) => Promise<void>;
  /** Of that, the look at what it remembers alone. */
  remember: (sale: string) => Promise<void>;
  stop: () => Promise<void>;
};

/**
 * `dataDir`: where it keeps its memory between two starts; null for nowhere. `quietMs`: how long it lets others speak before
 * it brings anything back; not at all, for the clock of tests stands still.
 */
export async function queueGateway(
  shared: Store,
  dataDir: string | null = null,
  name = 'gateway',
  drawing = createDrawing(shared),
  quietMs = 0,
): Promise<QueueGateway> {
  // What Redis has answered each gateway knows by itself.
  const store: Store = { ...shared, heard: createHeard() };
  const files = dataDir === null ? null : memoryFiles(dataDir, name, silentLog);
  const lobbies = { drawing, files: dataDir === null ? null : lobbyFiles(dataDir, name, silentLog) };
  const memory = await keepMemory(store, files, lobbies, silentLog, { quietMs });
  const watch = watchQueues(store, silentLog, memory.guard);
  const presence = keepPresence(store, watch.definitions, silentLog);
  const queue: Queue = {
    store,
    watch,
    presence,
    tickets,
    load: measurePolls(),
    limit: limitPolls(),
    log: silentLog,
  };
  const note = (fan: TestFan, status: StatusAnswer): StatusAnswer => {
    fan.seen = status;
    fan.version = Math.max(fan.version, status.version);
    if (status.queueTicket) fan.ticket = tickets.verify(status.queueTicket) as QueueTicket;
    return status;
  };
  return {
    queue,
    async join(sale, key, accessCode = null) {
      const { answer } = await joinQueue(queue, sale, null, key, accessCode);
      const ticket = tickets.verify(answer.queueTicket) as QueueTicket;
      const fan = { key, ticket, version: 0, seen: answer };
      note(fan, answer);
      return fan;
    },
    poll: async (fan) => note(fan, await readStatus(queue, fan.ticket, fan.version)),
    async look(sale) {
      await watch.renew(sale);
      await memory.look(sale);
      await watch.renew(sale);
    },
    remember: (sale) => memory.look(sale),
    async stop() {
      await presence.stop();
      await watch.stop();
      await memory.stop();
      await drawing.stop();
    },
  };
}
