import type { ServerResponse } from 'node:http';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import type { Stop } from '#shared/every.ts';
import type { Log } from '#shared/log.ts';
import { Problem } from '#shared/problem.ts';
import { answerProblem } from '#shared/serve.ts';
import {
  beginStream,
  end,
  type FanStream,
  isBehind,
  isDue,
  isEnd,
  isOver,
  LIFE_MS_MAX,
  type Seen,
  saidBy,
  sayStillHere,
  show,
  tell,
} from './fan-stream.ts';
import { inquire } from './inquiry.ts';
import { type Work, workInSlices } from './slices.ts';
import type { QueueSnapshot } from './snapshot.ts';
import { type Queue, readStatus } from './status.ts';
import { compare, type Feed, keepFeeds } from './stream-feed.ts';
import type { QueueTicket } from './ticket.ts';
import { standingOf } from './waiting-answer.ts';
import { isCurrent } from './watch.ts';

/** About 10 KB each. */
export const STREAMS_MAX = 10_000;
const FULL_RETRY_SECONDS = 30;

/** Snapshots come every 200 ms. */
const LOOK_INTERVAL_MS = 50;
/** Without a new snapshot too, what is due by time is looked for this often. */
const SWEEP_INTERVAL_MS_MAX = 1_000;

/** Ends of connections go on after the slice that began them: the last frames are quick, what follows is spread. */
const ENDS_PER_SLICE = 16;

/** A status is sent this often, so that pages know that the stream lives, and proxies; where there is none, a comment. */
const HEARTBEAT_MS = 15_000;
/** Who has not taken the last frame for this long is dropped. */
const SLOW_READER_MS_MAX = 10_000;

/** An answer is awaited: there is no time to ask again. */
const ASKING = Number.POSITIVE_INFINITY;

/**
 * Fans' statuses as server-sent events (HTML, 9.2), written to the bare response. All streams of a sale live on the
 * process's snapshots: a stream costs no Redis command; only those whose fan no snapshot says enough of are asked about,
 * many in one call. Everything is written in slices, of all sales together. Frames are not kept: who is slow gets the
 * newest when the one before was taken.
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

export function streamStatuses(
  queue: Queue,
  log: Log,
  {
    streamsMax = STREAMS_MAX,
    heartbeatMs = HEARTBEAT_MS,
    slowReaderMsMax = SLOW_READER_MS_MAX,
    lifeMsMax = LIFE_MS_MAX,
    sliceMs = undefined as number | undefined,
  } = {},
): FanStreams {
  const { watch, presence, tickets, load } = queue;
  const slices = workInSlices(
    (error) => log.error({ err: error }, 'streams were not written'),
    sliceMs === undefined ? {} : { sliceMs },
  );
  const ask = inquire((ticket, version) => readStatus(queue, ticket, version), slices, log);
  const feeds = keepFeeds();
  let open = 0;
  let stopped = false;

  const released = () => {
    open -= 1;
  };

  /** Tells an answer, unless it says what was said last and nothing else is due. */
  const answer = (feed: Feed, stream: FanStream, status: StatusAnswer, nowMs: number) => {
    const what = saidBy(status);
    const isNews =
      what !== stream.said ||
      stream.facts !== feed.facts ||
      status.queueTicket !== undefined ||
      nowMs - stream.sentAt >= heartbeatMs;
    if (status.queueTicket) stream.ticket = tickets.verify(status.queueTicket) ?? stream.ticket;
    if (isNews) tell(stream, status, what, feed, nowMs);
    // Early enough for the heartbeat to be a status too: pages do not hear comments.
    stream.askAt = Math.min(nowMs + status.pollAfterMs, stream.sentAt + heartbeatMs);
  };

  /** For a fan whom no snapshot says enough of. */
  const inquireAgain = (feed: Feed, stream: FanStream) => {
    const askedAt = performance.now();
    stream.askAt = ASKING;
    const take = (status: StatusAnswer | Problem) => {
      const nowMs = performance.now();
      const isShownSince = stream.sentAt > askedAt;
      if (!(status instanceof Problem)) {
        if (isShownSince || isBehind(stream, nowMs)) stream.askAt = 0;
        else answer(feed, stream, status, nowMs);
      } else if (status.code === 'unavailable') stream.askAt = nowMs + SWEEP_INTERVAL_MS_MAX;
      // What is not known any more is told by the problem that the next attempt is answered with.
      else end(stream);
    };
    ask({ ticket: stream.ticket, version: stream.version, isIdle: () => isOver(stream), take });
  };

  /** Does what is due of a stream; true when that was its end. */
  const tend = (feed: Feed, stream: FanStream, snapshot: QueueSnapshot | null): boolean => {
    const nowMs = performance.now();
    // Also of a stream that has ended: its connection stays until the end was taken.
    if (isBehind(stream, nowMs)) {
      if (nowMs - stream.behindSince > slowReaderMsMax) stream.response.destroy();
      return false;
    }
    if (isOver(stream)) return false;
    const { ticket } = stream;
    if (ticket.queueNumber !== null) presence.mark(feed.sale, ticket.queueNumber);
    const isEnding = stream.isTold || nowMs > stream.endsAt;
    if (isEnding) end(stream);
    else tellDue(feed, stream, snapshot, nowMs);
    return isEnding;
  };

  const tellDue = (feed: Feed, stream: FanStream, snapshot: QueueSnapshot | null, nowMs: number) => {
    const standing = snapshot && standingOf(snapshot, stream.ticket);
    if (snapshot && standing !== null && (standing === 'kept' || snapshot.version >= stream.version)) {
      if (isDue(stream, standing, feed, { nowMs, heartbeatMs })) {
        stream.askAt = 0;
        show(stream, snapshot, standing, feed, { nowMs, load: load.factor() });
      }
      return;
    }
    const isDueToAsk = nowMs >= stream.askAt || (stream.facts !== feed.facts && stream.askAt !== ASKING);
    // While Redis is away there is nothing new to be told.
    if (isDueToAsk && snapshot && isCurrent(snapshot)) inquireAgain(feed, stream);
    else if (nowMs - stream.aliveAt >= heartbeatMs) sayStillHere(stream, nowMs);
  };

  /** One sweep at a time and sale; a snapshot that comes meanwhile is the next one's. */
  function* sweep(feed: Feed, snapshot: QueueSnapshot | null): Work {
    try {
      compare(feed, snapshot);
      let ends = 0;
      for (const own of feed.streams.values())
        for (const stream of own) {
          const isEnding = tend(feed, stream, snapshot);
          if (isEnding) ends += 1;
          yield isEnding && ends % ENDS_PER_SLICE === 0 ? 'rest' : undefined;
        }
    } finally {
      feed.sweeping = false;
      feed.sweptAt = performance.now();
    }
  }

  const look = () => {
    const nowMs = performance.now();
    for (const feed of feeds.all()) {
      if (feed.sweeping) continue;
      const snapshot = watch.remembered(feed.sale);
      if (snapshot === feed.snapshot && nowMs - feed.sweptAt < SWEEP_INTERVAL_MS_MAX) continue;
      feed.sweeping = true;
      slices.add(sweep(feed, snapshot));
    }
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS);

  const begin = (
    response: ServerResponse,
    ticket: QueueTicket,
    { version }: Seen,
    nowMs: number,
  ): { feed: Feed; stream: FanStream } => {
    const snapshot = watch.remembered(ticket.sale);
    const stream = beginStream(response, { ...ticket }, version, { nowMs, lifeMsMax, snapshot });
    return { feed: feeds.add(stream, snapshot), stream };
  };

  /** The first answer of a fan whom no snapshot says enough of decides whether there is a stream. */
  const takeFirst = (
    response: ServerResponse,
    ticket: QueueTicket,
    seen: Seen,
    status: StatusAnswer | Problem,
  ) => {
    if (status instanceof Problem) return answerProblem(response, status);
    if (stopped) return answerProblem(response, full());
    if (seen.ended && isEnd(status)) return answerNothingMore(response);
    const nowMs = performance.now();
    const { feed, stream } = begin(response, ticket, seen, nowMs);
    answer(feed, stream, status, nowMs);
  };

  return {
    open(response, ticket, seen) {
      if (stopped || open >= streamsMax) return answerProblem(response, full());
      // Behind another answer of its connection it has none yet, and should that never end, nothing would tell its end.
      if (response.socket === null) return answerProblem(response, pipelined());
      open += 1;
      response.on('close', released);
      const snapshot = watch.remembered(ticket.sale);
      const standing = snapshot && standingOf(snapshot, ticket);
      if (!snapshot || standing === null || (standing !== 'kept' && snapshot.version < seen.version)) {
        const take = (status: StatusAnswer | Problem) => takeFirst(response, ticket, seen, status);
        return ask({ ticket, version: seen.version, isIdle: () => response.destroyed, take });
      }
      if (standing === 'ended' && seen.ended) return answerNothingMore(response);
      const nowMs = performance.now();
      const { feed, stream } = begin(response, ticket, seen, nowMs);
      if (ticket.queueNumber !== null) presence.mark(feed.sale, ticket.queueNumber);
      show(stream, snapshot, standing, feed, { nowMs, load: load.factor() });
    },
    count: () => open,
    async stop() {
      stopped = true;
      clearInterval(timer);
      feeds.endAll();
    },
  };
}

/** By the standard a browser then comes back no more (HTML, 9.2.3). */
const answerNothingMore = (response: ServerResponse): void => void response.writeHead(204).end();

const full = (): Problem =>
  new Problem('unavailable', 'Too many streams are open here; ask at queue/me, or try again later.', {
    retryAfterSeconds: FULL_RETRY_SECONDS,
  });

const pipelined = (): Problem =>
  new Problem('unavailable', 'A stream needs a connection of its own; this one is still busy.');
