import { createHash } from 'node:crypto';
import type { StatsAnswer } from '#shared/contract/stats.ts';
import { every, type Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import type { SaleStats } from './stats.ts';

const STREAMS_MAX = 100;
const STREAMS_RETRY_SECONDS = 10;
const PRODUCE_INTERVAL_MS = 300;
const HEARTBEAT_MS = 15_000;
/** Figures that cannot be renewed are sent again this often, with the age they have by then. */
const STALE_INTERVAL_MS = 2_000;
/** A reader who has not taken the last event for this long is dropped. */
const SLOW_READER_MS_MAX = 10_000;
/** How soon a browser connects again after the end of a stream. */
const RECONNECT_MS = 2_000;
const ID_BYTES = 9;

type Event = { id: string; stats: StatsAnswer };

type Listener = {
  offer: (event: Event | null) => void;
  close: () => void;
};

/**
 * Streams of live figures as server-sent events (HTML, 9.2). One producer per sale and process reads them, however many
 * listen; each listener gets the newest when it can take it, so nothing queues up behind a slow one.
 */
export type StatsStreams = {
  /** How many are open. */
  count: () => number;
  /**
   * A stream of a sale's figures, beginning with the current ones unless they are what the reader had last. `cut` ends
   * the connection of a reader who takes nothing. Throws `not-found`, and `unavailable` beyond STREAMS_MAX streams.
   */
  open: (sale: string, lastEventId: string | null, cut: () => void) => Promise<ReadableStream<Uint8Array>>;
  /** Ends all streams; opens none any more. */
  stop: Stop;
};

export function streamStats(
  stats: SaleStats,
  log: Log,
  { slowReaderMsMax = SLOW_READER_MS_MAX, heartbeatMs = HEARTBEAT_MS } = {},
): StatsStreams {
  const feeds = new Map<string, { listeners: Set<Listener>; stop: Stop }>();
  const open = new Set<Listener>();
  let stopped = false;

  const produce = async (sale: string, listeners: Set<Listener>) => {
    let event: Event | null = null;
    try {
      event = eventOf(await stats.read(sale));
    } finally {
      for (const listener of [...listeners]) listener.offer(event);
    }
  };

  const listen = (sale: string, listener: Listener) => {
    open.add(listener);
    const feed = feeds.get(sale);
    if (feed) {
      feed.listeners.add(listener);
      return;
    }
    const listeners = new Set([listener]);
    const report = (error: unknown) => log.warn({ err: error, sale }, 'live figures could not be read');
    feeds.set(sale, { listeners, stop: every(PRODUCE_INTERVAL_MS, () => produce(sale, listeners), report) });
  };

  const leave = async (sale: string, listener: Listener) => {
    open.delete(listener);
    const feed = feeds.get(sale);
    if (!feed?.listeners.delete(listener) || feed.listeners.size > 0) return;
    feeds.delete(sale);
    await feed.stop();
  };

  return {
    async open(sale, lastEventId, cut) {
      const first = eventOf(await stats.read(sale));
      if (stopped || open.size >= STREAMS_MAX) {
        throw new Problem('unavailable', 'Too many streams are open here; ask once, or try again later.', {
          retryAfterSeconds: STREAMS_RETRY_SECONDS,
        });
      }
      const { body, listener } = frames({ first, lastEventId, cut, slowReaderMsMax, heartbeatMs }, () =>
        leave(sale, listener),
      );
      listen(sale, listener);
      return body;
    },
    async stop() {
      stopped = true;
      const stops = [...feeds.values()].map((feed) => feed.stop());
      for (const listener of [...open]) listener.close();
      await Promise.all(stops);
    },
    count: () => open.size,
  };
}

type Reader = {
  first: Event;
  lastEventId: string | null;
  cut: () => void;
  slowReaderMsMax: number;
  heartbeatMs: number;
};

/** One reader's stream. It holds one frame at most: the next is made when the reader asks for it. */
function frames(reader: Reader, leave: () => void): { body: ReadableStream<Uint8Array>; listener: Listener } {
  const { first, lastEventId, cut, slowReaderMsMax, heartbeatMs } = reader;
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let asks = false;
  let sentAt = performance.now();
  let sentId = lastEventId;
  let newest: Event = first;
  let greeting = `retry: ${RECONNECT_MS}\n\n`;

  const next = (): string => {
    const isNew = newest.id !== sentId;
    const isStale = newest.stats.ageMs > STALE_INTERVAL_MS && performance.now() - sentAt > STALE_INTERVAL_MS;
    if (isNew || isStale) {
      sentId = newest.id;
      return `id: ${newest.id}\ndata: ${JSON.stringify(newest.stats)}\n\n`;
    }
    return performance.now() - sentAt > heartbeatMs ? ': still here\n\n' : '';
  };
  const send = () => {
    const frame = greeting + next();
    if (!asks || frame === '') return;
    greeting = '';
    asks = false;
    sentAt = performance.now();
    controller.enqueue(encoder.encode(frame));
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        asks = true;
        send();
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    listener: {
      offer(event) {
        newest = event ?? newest;
        if (asks) send();
        else if (performance.now() - sentAt > slowReaderMsMax) {
          leave();
          cut();
        }
      },
      close() {
        leave();
        controller.close();
      },
    },
  };
}

/** An event's id is a digest of what it says, so that it means the same to every gateway a reader may come back to. */
function eventOf(stats: StatsAnswer): Event {
  const { asOf, ageMs, ...said } = stats;
  const id = createHash('sha256').update(JSON.stringify(said)).digest().subarray(0, ID_BYTES);
  return { id: id.toString('base64url'), stats };
}
