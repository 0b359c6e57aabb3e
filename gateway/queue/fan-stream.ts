import type { ServerResponse } from 'node:http';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { REQUEST_ID, requestIdOf } from '#shared/request-id.ts';
import type { QueueSnapshot } from './snapshot.ts';
import type { QueueTicket } from './ticket.ts';
import { type Standing, statusOf, waitingAnswer } from './waiting-answer.ts';

/** A fan's position is told anew once a second at most, figures that are the same for all less often. */
const POSITION_INTERVAL_MS = 1_000;
const FIGURES_INTERVAL_MS = 5_000;

/**
 * A stream ends after a while, and the browser opens it again. That is the proof that somebody is there: a dead connection
 * takes frames for a quarter of an hour, or for ever behind a proxy. It keeps a place for this much longer at most.
 */
export const LIFE_MS_MAX = 300_000;
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

export type Seen = { version: number; ended: boolean };

/** Reads `Last-Event-ID`, null when it is none of ours. */
export function readEventId(id: string): Seen | null {
  const found = /^(\d{1,15})(\.ended)?$/.exec(id);
  return found ? { version: Number(found[1]), ended: found[2] !== undefined } : null;
}

/** Where a fan stands by a snapshot, or what they would notice of an answer. */
export type Said = Standing | (string & {});

/** One fan's open stream, and what of it the fan has been sent. */
export type FanStream = {
  readonly response: ServerResponse;
  ticket: QueueTicket;
  readonly endsAt: number;
  /** The version that the fan was shown last. */
  version: number;
  /** What was said last. */
  said: Said | null;
  /** Of the feed, as of then. */
  facts: number;
  figures: number;
  /** When a status was sent last, and when anything was. */
  sentAt: number;
  aliveAt: number;
  /** When to ask again, for a fan whom no snapshot says enough of; while an answer is awaited: never. */
  askAt: number;
  /** The last status has been told: the stream is to be ended. */
  isTold: boolean;
  /** Since when a frame waits to be taken; 0 while none does. */
  behindSince: number;
};

/** What concerns all streams of a sale at once, counted up with each change; and figures that can wait. */
export type News = { facts: number; figures: number };

/** Sends the head; a status must follow. */
export function beginStream(
  response: ServerResponse,
  ticket: QueueTicket,
  version: number,
  { nowMs, lifeMsMax, snapshot }: { nowMs: number; lifeMsMax: number; snapshot: QueueSnapshot | null },
): FanStream {
  // Without chunks a frame is one write of its own bytes; the end of the connection ends the stream.
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, [...HEADERS, REQUEST_ID, requestIdOf(response.req)]);
  response.write(`retry: ${Math.round(RETRY_MS_MIN + RETRY_MS_SPREAD * Math.random())}\n\n`);
  return {
    response,
    ticket,
    endsAt: nowMs + lifeMsOf(snapshot, lifeMsMax),
    version,
    said: null,
    facts: 0,
    figures: 0,
    sentAt: nowMs,
    aliveAt: nowMs,
    askAt: 0,
    isTold: false,
    behindSince: 0,
  };
}

function lifeMsOf(snapshot: QueueSnapshot | null, lifeMsMax: number): number {
  const graceMs = (snapshot?.definition.graceSeconds ?? 0) * 1000;
  const lifeMs = graceMs === 0 ? lifeMsMax : Math.min(lifeMsMax, graceMs / LIVES_PER_GRACE);
  return lifeMs * (1 - LIFE_JITTER_SHARE * Math.random());
}

/** Whether a fan who stands there is to be told so now. */
export function isDue(
  stream: FanStream,
  standing: Standing,
  news: News,
  { nowMs, heartbeatMs }: { nowMs: number; heartbeatMs: number },
): boolean {
  if (stream.facts !== news.facts) return true;
  const sinceMs = nowMs - stream.sentAt;
  if (sinceMs >= heartbeatMs) return true;
  if (stream.figures !== news.figures && sinceMs >= FIGURES_INTERVAL_MS) return true;
  if (stream.said === standing) return false;
  const isMove = typeof standing === 'number' && typeof stream.said === 'number';
  return !isMove || sinceMs >= POSITION_INTERVAL_MS;
}

/** Tells a fan where they stand by a snapshot. */
export function show(
  stream: FanStream,
  snapshot: QueueSnapshot,
  standing: Standing,
  news: News,
  { nowMs, load }: { nowMs: number; load: number },
): void {
  if (typeof standing === 'string') {
    const status = statusOf(snapshot, stream.ticket, standing, load);
    tell(stream, status, standing, news, nowMs);
    return;
  }
  const number = stream.ticket.queueNumber as number;
  const { json, encoding } = waitingAnswer(snapshot, number, standing, load);
  note(stream, snapshot.version, standing, news, nowMs);
  send(stream, frameOf(stream, json), encoding);
}

/** Tells a fan an answer; the last one is marked, in its id too. */
export function tell(stream: FanStream, status: StatusAnswer, what: Said, news: News, nowMs: number): void {
  note(stream, status.version, what, news, nowMs);
  stream.isTold = isEnd(status);
  send(stream, frameOf(stream, JSON.stringify(status)), 'utf8');
}

/** Where no status can be sent: pages and proxies hear that the stream lives. */
export function sayStillHere(stream: FanStream, nowMs: number): void {
  stream.aliveAt = nowMs;
  send(stream, STILL_HERE, 'latin1');
}

/** Ends a stream whose ticket has newer ones. */
export const supersede = (stream: FanStream): void => end(stream, SUPERSEDED);

export function end(stream: FanStream, frame = ''): void {
  if (!isOver(stream)) stream.response.end(frame);
}

export const isOver = ({ response }: FanStream): boolean => response.writableEnded || response.destroyed;

/** Whether the frame before has not been taken. */
export function isBehind(stream: FanStream, nowMs: number): boolean {
  const behind = stream.response.writableLength > 0;
  if (!behind) stream.behindSince = 0;
  else if (stream.behindSince === 0) stream.behindSince = nowMs;
  return behind;
}

/** Nothing more will become of this entry. */
export const isEnd = ({ state, returning }: StatusAnswer): boolean =>
  !returning && ['finished', 'left', 'lapsed', 'missed', 'expired', 'closed'].includes(state);

/** What a fan would notice of an answer; of one who waits, what a snapshot would say. */
export function saidBy(status: StatusAnswer): Said {
  const { state, saleState, queueNumber, position, claimBy, expiresAt, returning } = status;
  if (state === 'waiting') return position ?? 'kept';
  return [state, saleState, queueNumber, claimBy, expiresAt, returning].join();
}

function note(stream: FanStream, version: number, what: Said, { facts, figures }: News, nowMs: number): void {
  // What says no position may be older than what the fan has seen; what follows may not.
  stream.version = Math.max(stream.version, version);
  stream.said = what;
  stream.facts = facts;
  stream.figures = figures;
  stream.sentAt = nowMs;
  stream.aliveAt = nowMs;
}

const frameOf = ({ version, isTold }: FanStream, json: string): string =>
  `id: ${version}${isTold ? ENDED_MARK : ''}\ndata: ${json}\n\n`;

/**
 * Once its head is out a frame goes to the socket itself: a response holds each write back for a tick and sends it as a
 * list, which costs as much again.
 */
function send({ response }: FanStream, frame: string, encoding: 'latin1' | 'utf8'): void {
  const { socket } = response;
  if (socket === null) response.write(frame, encoding);
  else socket.write(frame, encoding);
}
