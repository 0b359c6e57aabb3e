import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { asProblem } from '#shared/errors.ts';
import type { Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { answerProblem } from '#shared/serve.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { type Queue, readStatus } from './status.ts';
import type { QueueTicket } from './ticket.ts';
import { waitingAnswer, waitingPosition } from './waiting-answer.ts';
import { isCurrent } from './watch.ts';

/** About 12 KB each. */
export const STREAMS_MAX = 10_000;
/** Open tabs of one fan; a browser keeps six connections to one place at most. */
const STREAMS_PER_TICKET_MAX = 3;
const FULL_RETRY_SECONDS = 30;

/** Snapshots come every 200 ms. */
const LOOK_INTERVAL_MS = 50;
/** Without a new snapshot too, what is due by time is looked for this often. */
const SWEEP_INTERVAL_MS_MAX = 1_000;
/** Nobody's poll waits longer than this for streams, and for the last few frames of a slice. */
const SLICE_MS = 3;
const STREAMS_PER_LOOK_AT_THE_CLOCK = 16;

/** A fan's position is told anew once a second at most, figures that are the same for all less often. */
const POSITION_INTERVAL_MS = 1_000;
const FIGURES_INTERVAL_MS = 5_000;
/** Something is sent this often, so that pages and proxies know that the stream lives. */
const HEARTBEAT_MS = 15_000;
/** Who has not taken the last frame for this long is dropped. */
const SLOW_READER_MS_MAX = 10_000;

/**
 * A stream ends after a while, and the browser opens it again. That is the proof that somebody is there: a dead connection
 * takes frames for a quarter of an hour, or for ever behind a proxy. It keeps a place for this much longer at most.
 */
const LIFE_MS_MAX = 300_000;
const LIVES_PER_GRACE = 4;
/** Ends are spread over this share of a life, and browsers come back within this time. */
const LIFE_JITTER_SHARE = 0.25;
const RETRY_MS_MIN = 500;
const RETRY_MS_SPREAD = 2_500;

const HEADERS = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-store',
  // A proxy must pass each frame on at once; the connection is the stream's, its end the stream's end.
  'x-accel-buffering',
  'no',
  'connection',
  'close',
];

const STILL_HERE = ': still here\n\n';
/** For pages: this ticket has newer streams, and polls do as well. */
const SUPERSEDED = 'event: superseded\ndata: {}\n\n';
const ENDED_MARK = '.ended';
/** An answer is awaited: there is no time to ask again. */
const ASKING = Number.POSITIVE_INFINITY;

type Stream = {
  readonly response: ServerResponse;
  ticket: QueueTicket;
  readonly endsAt: number;
  /** The version that the fan was shown last. */
  version: number;
  /** What was shown last: a position out of a snapshot, or (`said`) an answer, without what changes all the time. */
  position: number | null;
  said: string | null;
  facts: number;
  figures: number;
  sentAt: number;
  /** When to ask again, for a fan who does not simply wait; while an answer is awaited: never. */
  askAt: number;
  /** Since when a frame waits to be taken; 0 while none does. */
  behindSince: number;
};

/** The streams of one sale, by the entries they are for, the oldest of each first. */
type Feed = {
  sale: string;
  streams: Map<string, Stream[]>;
  snapshot: QueueSnapshot | null;
  sweptAt: number;
  sweeping: boolean;
  /** Counted up when what everybody is told at once changes, and when figures do that can wait. */
  facts: number;
  factsSaid: string;
  figures: number;
  figuresSaid: string;
};

/**
 * Fans' statuses as server-sent events (HTML, 9.2), written to the bare response. All streams of a sale live on the
 * process's snapshots: a stream costs no Redis command; only those whose fan does not simply wait are asked about, many
 * in one call. Frames are not kept: who is slow gets the newest when the one before was taken.
 */
export type FanStreams = {
  /**
   * Answers a request with a stream. `seen`: the version the fan was last shown, and whether that was the end. Errors
   * are problem documents: `unavailable` when STREAMS_MAX are open or an answer before it on the connection is still under
   * way, and what readStatus throws.
   */
  open: (response: ServerResponse, ticket: QueueTicket, seen: Seen) => void;
  /** How many are open. */
  count: () => number;
  /** Ends all streams; opens none any more. */
  stop: Stop;
};

export type Seen = { version: number; ended: boolean };

/** Reads `Last-Event-ID`, null when it is none of ours. */
export function readEventId(id: string): Seen | null {
  const found = /^(\d{1,15})(\.ended)?$/.exec(id);
  return found ? { version: Number(found[1]), ended: found[2] !== undefined } : null;
}

export function streamStatuses(
  queue: Queue,
  log: Log,
  {
    streamsMax = STREAMS_MAX,
    heartbeatMs = HEARTBEAT_MS,
    slowReaderMsMax = SLOW_READER_MS_MAX,
    lifeMsMax = LIFE_MS_MAX,
  } = {},
): FanStreams {
  const { watch, presence, tickets, load } = queue;
  const feeds = new Map<string, Feed>();
  let open = 0;
  let stopped = false;

  /** Expected problems need no entry; one with a cause within, or anything unexpected, does. */
  const reported = (error: unknown): Problem => {
    const problem = asProblem(error);
    if (problem.cause !== undefined) log.warn({ err: problem.cause }, 'a stream was not answered');
    return problem;
  };

  const released = () => {
    open -= 1;
  };

  const feedOf = (sale: string): Feed => {
    const known = feeds.get(sale);
    if (known) return known;
    const none = { facts: 1, factsSaid: '', figures: 1, figuresSaid: '' };
    const feed = { sale, streams: new Map(), snapshot: null, sweptAt: 0, sweeping: false, ...none };
    feeds.set(sale, feed);
    return feed;
  };

  const add = (feed: Feed, stream: Stream) => {
    const { entry } = stream.ticket;
    const own = feed.streams.get(entry);
    if (!own) feed.streams.set(entry, [stream]);
    else if (own.push(stream) > STREAMS_PER_TICKET_MAX) end(own[0] as Stream, SUPERSEDED);
  };

  const remove = (feed: Feed, stream: Stream) => {
    const { entry } = stream.ticket;
    const own = (feed.streams.get(entry) ?? []).filter((other) => other !== stream);
    if (own.length > 0) feed.streams.set(entry, own);
    else feed.streams.delete(entry);
    if (feed.streams.size === 0 && feeds.get(feed.sale) === feed) feeds.delete(feed.sale);
  };

  /** A fan who simply waits is shown from the snapshot. */
  const show = (feed: Feed, stream: Stream, snapshot: QueueSnapshot, position: number, nowMs: number) => {
    const { json, encoding } = waitingAnswer(
      snapshot,
      stream.ticket.queueNumber as number,
      position,
      load.factor(),
    );
    const isFirst = stream.said === null && stream.position === null;
    stream.position = position;
    stream.said = null;
    stream.version = snapshot.version;
    stream.facts = feed.facts;
    stream.figures = feed.figures;
    stream.sentAt = nowMs;
    stream.askAt = 0;
    // Once its headers are out a frame goes to the socket itself: a response holds each write back for a tick and sends it
    // as a list, which costs as much again.
    const frame = `id: ${snapshot.version}\ndata: ${json}\n\n`;
    const { socket } = stream.response;
    if (isFirst || socket === null) stream.response.write(frame, encoding);
    else socket.write(frame, encoding);
  };

  /** A fan who does not is told an answer, unless it says what the last one said. */
  const tell = (feed: Feed, stream: Stream, status: StatusAnswer, nowMs: number) => {
    const said = saidBy(status);
    const isNews = said !== stream.said || (isReading(feed) && nowMs - stream.sentAt >= heartbeatMs);
    stream.askAt = nowMs + status.pollAfterMs;
    if (status.queueTicket) stream.ticket = tickets.verify(status.queueTicket) ?? stream.ticket;
    if (!isNews) return;
    const ended = isEnd(status);
    stream.position = status.position;
    stream.said = said;
    stream.version = status.version;
    stream.sentAt = nowMs;
    const id = `${status.version}${ended ? ENDED_MARK : ''}`;
    stream.response.write(`id: ${id}\ndata: ${JSON.stringify(status)}\n\n`);
    if (ended) end(stream);
  };

  const ask = async (feed: Feed, stream: Stream) => {
    const askedAt = performance.now();
    stream.facts = feed.facts;
    stream.askAt = ASKING;
    try {
      const status = await readStatus(queue, stream.ticket, stream.version);
      const nowMs = performance.now();
      const isShown = stream.said === null && stream.sentAt > askedAt;
      if (isOver(stream)) return;
      if (isShown || isBehind(stream, nowMs)) stream.askAt = 0;
      else tell(feed, stream, status, nowMs);
    } catch (error) {
      const problem = reported(error);
      // What is not known any more is told by the problem that the next attempt is answered with.
      if (problem.code === 'unavailable') stream.askAt = performance.now() + SWEEP_INTERVAL_MS_MAX;
      else end(stream);
    }
  };

  const tend = (feed: Feed, stream: Stream, snapshot: QueueSnapshot | null, nowMs: number) => {
    if (isOver(stream)) return;
    if (isBehind(stream, nowMs)) {
      if (nowMs - stream.behindSince > slowReaderMsMax) stream.response.destroy();
      return;
    }
    const { queueNumber } = stream.ticket;
    if (queueNumber !== null) presence.mark(feed.sale, queueNumber);
    if (nowMs > stream.endsAt) return void stream.response.end();
    const sinceMs = nowMs - stream.sentAt;
    const current = snapshot !== null && isCurrent(snapshot) ? snapshot : null;
    const position = current ? waitingPosition(current, stream.ticket) : null;
    if (current && position !== null && current.version >= stream.version) {
      const isDue =
        stream.said !== null ||
        stream.facts !== feed.facts ||
        (stream.position !== position && sinceMs >= POSITION_INTERVAL_MS) ||
        (stream.figures !== feed.figures && sinceMs >= FIGURES_INTERVAL_MS) ||
        sinceMs >= heartbeatMs;
      if (isDue) show(feed, stream, current, position, nowMs);
      return;
    }
    const isDue = nowMs >= stream.askAt || stream.facts !== feed.facts;
    // While Redis is away there is nothing new to be told after the first answer.
    const isWorthIt = current !== null || stream.said === null;
    if (stream.askAt !== ASKING && isDue && isWorthIt) void ask(feed, stream);
    else if (sinceMs >= heartbeatMs) {
      stream.sentAt = nowMs;
      stream.response.write(STILL_HERE);
    }
  };

  /** One sweep at a time and sale; a snapshot that comes meanwhile is the next one's. */
  const sweep = async (feed: Feed, snapshot: QueueSnapshot | null) => {
    compare(feed, snapshot);
    let nowMs = performance.now();
    let sliceEndsAt = nowMs + SLICE_MS;
    let looked = 0;
    for (const own of feed.streams.values()) {
      for (const stream of own) tend(feed, stream, snapshot, nowMs);
      looked += 1;
      if (looked % STREAMS_PER_LOOK_AT_THE_CLOCK !== 0) continue;
      nowMs = performance.now();
      if (nowMs < sliceEndsAt) continue;
      await setImmediate();
      if (stopped) return;
      nowMs = performance.now();
      sliceEndsAt = nowMs + SLICE_MS;
    }
  };

  const look = () => {
    const nowMs = performance.now();
    for (const feed of feeds.values()) {
      if (feed.sweeping) continue;
      const snapshot = watch.remembered(feed.sale);
      if (snapshot === feed.snapshot && nowMs - feed.sweptAt < SWEEP_INTERVAL_MS_MAX) continue;
      feed.sweeping = true;
      sweep(feed, snapshot)
        .catch((error: unknown) => log.error({ err: error, sale: feed.sale }, 'streams were not written'))
        .finally(() => {
          feed.sweeping = false;
          feed.sweptAt = performance.now();
        });
    }
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS);

  const begin = (
    response: ServerResponse,
    ticket: QueueTicket,
    version: number,
  ): { feed: Feed; stream: Stream } => {
    const feed = feedOf(ticket.sale);
    const nowMs = performance.now();
    const stream: Stream = {
      response,
      ticket: { ...ticket, sale: feed.sale },
      endsAt: nowMs + lifeMsOf(watch.remembered(feed.sale), lifeMsMax),
      version,
      position: null,
      said: null,
      facts: 0,
      figures: 0,
      sentAt: nowMs,
      askAt: 0,
      behindSince: 0,
    };
    add(feed, stream);
    response.on('close', () => remove(feed, stream));
    response.writeHead(200, HEADERS);
    response.write(`retry: ${Math.round(RETRY_MS_MIN + RETRY_MS_SPREAD * Math.random())}\n\n`);
    return { feed, stream };
  };

  /** For a fan whose first answer is not simply in the snapshot. */
  const openAsked = async (response: ServerResponse, ticket: QueueTicket, seen: Seen) => {
    try {
      const status = await readStatus(queue, ticket, seen.version);
      if (response.destroyed) return;
      if (stopped) throw full();
      if (seen.ended && isEnd(status)) {
        // By the standard a browser comes back no more (HTML, 9.2.3).
        response.writeHead(204).end();
        return;
      }
      const { feed, stream } = begin(response, ticket, seen.version);
      tell(feed, stream, status, performance.now());
    } catch (error) {
      const problem = reported(error);
      if (!response.destroyed) answerProblem(response, problem);
    }
  };

  return {
    open(response, ticket, seen) {
      if (stopped || open >= streamsMax) return answerProblem(response, full());
      // Behind another answer of its connection it has none yet, and should that never end, nothing would tell its end.
      if (response.socket === null) return answerProblem(response, pipelined());
      open += 1;
      response.on('close', released);
      // Without chunks a frame is one write of its own bytes; the end of the connection ends the stream.
      response.useChunkedEncodingByDefault = false;
      const snapshot = watch.remembered(ticket.sale);
      const isShown = snapshot !== null && isCurrent(snapshot) && snapshot.version >= seen.version;
      const position = isShown ? waitingPosition(snapshot, ticket) : null;
      if (!snapshot || position === null) return void openAsked(response, ticket, seen);
      const { feed, stream } = begin(response, ticket, seen.version);
      presence.mark(feed.sale, ticket.queueNumber as number);
      show(feed, stream, snapshot, position, performance.now());
    },
    count: () => open,
    async stop() {
      stopped = true;
      clearInterval(timer);
      for (const { streams } of feeds.values())
        for (const own of streams.values()) for (const stream of own) end(stream);
    },
  };
}

/** Counts up what has changed for everybody. */
function compare(feed: Feed, snapshot: QueueSnapshot | null): void {
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

/** Whether Redis answers for this sale. */
const isReading = ({ snapshot }: Feed): boolean => snapshot !== null && isCurrent(snapshot);

const isOver = ({ response }: Stream): boolean => response.writableEnded || response.destroyed;

/** Whether the frame before has not been taken. */
function isBehind(stream: Stream, nowMs: number): boolean {
  const behind = stream.response.writableLength > 0;
  if (!behind) stream.behindSince = 0;
  else if (stream.behindSince === 0) stream.behindSince = nowMs;
  return behind;
}

function end(stream: Stream, frame = ''): void {
  if (!isOver(stream)) stream.response.end(frame);
}

function lifeMsOf(snapshot: QueueSnapshot | null, lifeMsMax: number): number {
  const graceMs = (snapshot?.definition.graceSeconds ?? 0) * 1000;
  const lifeMs = graceMs === 0 ? lifeMsMax : Math.min(lifeMsMax, graceMs / LIVES_PER_GRACE);
  return lifeMs * (1 - LIFE_JITTER_SHARE * Math.random());
}

/** Nothing more will become of this entry. */
const isEnd = ({ state, returning }: StatusAnswer): boolean =>
  !returning && ['finished', 'left', 'lapsed', 'missed', 'expired', 'closed'].includes(state);

/** What a fan would notice of an answer. */
const saidBy = ({
  state,
  saleState,
  queueNumber,
  position,
  claimBy,
  expiresAt,
  ...rest
}: StatusAnswer): string =>
  [state, saleState, queueNumber, position, claimBy, expiresAt, rest.returning, rest.notice?.at].join();

const full = (): Problem =>
  new Problem('unavailable', 'Too many streams are open here; ask at queue/me, or try again later.', {
    retryAfterSeconds: FULL_RETRY_SECONDS,
  });

const pipelined = (): Problem =>
  new Problem('unavailable', 'A stream needs a connection of its own; this one is still busy.');
