import { end, type FanStream, supersede } from './fan-stream.ts';
import type { QueueSnapshot } from './snapshot.ts';

/** Open tabs of one fan; a browser keeps six connections to one place at most. */
const STREAMS_PER_TICKET_MAX = 3;

/** The streams of one sale, by the entries they are for, the oldest of each first. */
export type Feed = {
  sale: string;
  streams: Map<string, FanStream[]>;
  /** Of the last sweep. */
  snapshot: QueueSnapshot | null;
  sweptAt: number;
  sweeping: boolean;
  /** Counted up when what everybody is told at once changes, and when figures do that can wait. */
  facts: number;
  factsSaid: string;
  figures: number;
  figuresSaid: string;
};

/** The feeds of a process: one for each sale that has streams. */
export function keepFeeds() {
  const feeds = new Map<string, Feed>();

  const feedOf = (sale: string, snapshot: QueueSnapshot | null): Feed => {
    const known = feeds.get(sale);
    if (known) return known;
    const news = { facts: 1, factsSaid: '', figures: 1, figuresSaid: '' };
    const feed = { sale, streams: new Map(), snapshot: null, sweptAt: 0, sweeping: false, ...news };
    compare(feed, snapshot);
    feeds.set(sale, feed);
    return feed;
  };

  return {
    all: (): Iterable<Feed> => feeds.values(),
    /** Takes a stream in until its connection is gone; of too many with one ticket the oldest ends. */
    add(stream: FanStream, snapshot: QueueSnapshot | null): Feed {
      const feed = feedOf(stream.ticket.sale, snapshot);
      const { entry } = stream.ticket;
      const own = feed.streams.get(entry);
      if (!own) feed.streams.set(entry, [stream]);
      else if (own.push(stream) > STREAMS_PER_TICKET_MAX) supersede(own[0] as FanStream);
      stream.response.on('close', () => {
        const left = (feed.streams.get(entry) ?? []).filter((other) => other !== stream);
        if (left.length > 0) feed.streams.set(entry, left);
        else feed.streams.delete(entry);
        if (feed.streams.size === 0 && feeds.get(feed.sale) === feed) feeds.delete(feed.sale);
      });
      return feed;
    },
    endAll() {
      for (const { streams } of feeds.values())
        for (const own of streams.values()) for (const stream of own) end(stream);
    },
  };
}

/** Counts up what has changed for everybody. */
export function compare(feed: Feed, snapshot: QueueSnapshot | null): void {
  feed.snapshot = snapshot;
  if (!snapshot) return;
  const { state, definition, waiting, turnsLastMinute, recovering, allHeldUntil } = snapshot;
  const factsSaid = [state, definition.notice?.at, recovering, allHeldUntil].join();
  if (factsSaid !== feed.factsSaid) feed.facts += 1;
  feed.factsSaid = factsSaid;
  const figuresSaid = `${waiting} ${turnsLastMinute}`;
  if (figuresSaid !== feed.figuresSaid) feed.figures += 1;
  feed.figuresSaid = figuresSaid;
}
