import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { expected, Fan, type Status, statusFacts } from './fan.ts';
import { countAnswer, record } from './record.ts';
import { ANSWER_TIMEOUT, shopUrl } from './settings.ts';

// Of a crowd that asks for ten minutes a line for every answer would be half a gigabyte, and reading and writing them is most
// of what the generator would do. So a plain answer is only compared with the fan's one before, and those that the judge
// needs become lines.

const rises = new Counter('positions_risen');
const lost = new Counter('places_lost');

/** None of it may happen. */
export const placeThresholds = { positions_risen: ['count==0'], places_lost: ['count==0'] };

/** What nearly every answer says; any other is read as a whole. */
const PLACE = /"state":"waiting","queueNumber":(\d+),"position":(\d+),/;
const VERSION = /"version":(\d+)/;
const RENEWED = '"queueTicket"';
const OK = 200;

type Poll = { sentAt: number; tookMs: number; status: number; body: string };

/** Of one poll at a time, whoever asks: a user of k6 has many fans, and each object of a script costs half a kilobyte. */
const headers = { authorization: '' };
const params = { headers, tags: { name: 'poll' }, timeout: ANSWER_TIMEOUT, responseCallback: expected };

/**
 * Somebody who waits, and asks as cheaply as k6 can. Lines of the history become the join, the last answer, both sides of every
 * change of state or number and of every position that rises, and whatever is no success: by these the judge says the same of
 * the fan as by all of them (infra/history/queue.ts).
 */
export class WaitingFan {
  readonly name: string;
  private readonly fan: Fan;
  private readonly path: string;
  private version = 0;
  private number: number | null = null;
  private position: number | null = null;
  /** The last answer, which may have to become a line. */
  private unwritten: Poll | null = null;

  constructor(sale: string, name: string) {
    this.name = name;
    this.fan = new Fan(sale, name);
    this.path = `/api/sales/${sale}/queue/me?version=`;
  }

  join(): boolean {
    const status = this.fan.join();
    if (status) this.know(status);
    return status !== null;
  }

  leave(): void {
    this.fan.leave();
  }

  /** The state; null where the answer is none, or says that somebody waits and not where. `tags`: of how long it took. */
  poll(tags?: Record<string, string>): string | null {
    headers.authorization = `Bearer ${this.fan.tokens.queueTicket}`;
    const sentAt = Date.now();
    const { status, body: text } = http.get(`${shopUrl()}${this.path}${this.version}`, params);
    const tookMs = Date.now() - sentAt;
    const body = String(text);
    const poll = { sentAt, tookMs, status, body };
    countAnswer({ step: 'poll', tookMs, status }, tags);
    const [, number, position] = status === OK ? (PLACE.exec(body) ?? []) : [];
    const isPlain =
      Number(number) === this.number &&
      this.position !== null &&
      Number(position) <= this.position &&
      !body.includes(RENEWED);
    if (!isPlain) return this.lookClosely(poll);
    this.position = Number(position);
    this.version = Math.max(this.version, Number(VERSION.exec(body)?.[1]));
    this.unwritten = poll;
    return 'waiting';
  }

  /** Whatever is not as before, with the answer before it. */
  private lookClosely(poll: Poll): string | null {
    const { number, position } = this;
    this.tellLast();
    this.write(poll);
    const status = poll.status === OK ? this.fan.noteStatus(read(poll)) : null;
    if (!status) return null;
    this.know(status);
    if (status.queueNumber !== number) lost.add(1);
    else if (status.position !== null && position !== null && status.position > position) rises.add(1);
    return status.state === 'waiting' && status.position === null ? null : status.state;
  }

  /** Writes the last answer that is no line yet. */
  tellLast(): void {
    if (this.unwritten) this.write(this.unwritten);
    this.unwritten = null;
  }

  private know(status: Status): void {
    this.number = status.queueNumber;
    this.position = status.position ?? this.position;
    this.version = Math.max(this.version, status.version);
  }

  private write(poll: Poll): void {
    const { sentAt, tookMs, status } = poll;
    const { body } = read(poll);
    record({
      ...{ kind: 'answer', fan: this.name, step: 'poll', sentAt, tookMs, status },
      ...(body.code === undefined ? {} : { code: String(body.code) }),
      ...(status === OK ? statusFacts(body) : {}),
    });
  }
}

/** An answer that is no JSON says nothing. */
function read({ status, body }: Poll): { status: number; body: Record<string, unknown> } {
  try {
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  } catch {
    return { status: 0, body: {} };
  }
}
