import {
  type AnsweredHold,
  type AskedHold,
  HOLDS_TOGETHER_BYTES_MAX,
  HOLDS_TOGETHER_MAX,
  HOLDS_TOGETHER_PATH,
} from '#shared/holds-together.ts';
import { internalHeaders } from '#shared/internal.ts';
import { createRecent } from '#shared/recent.ts';
import { REQUEST_ID } from '#shared/request-id.ts';
import { itemsPerCall } from '#shared/together.ts';
import {
  type BookingAnswer,
  type BookingClient,
  type BookingRequest,
  lanes,
  unavailable,
} from '../booking/client.ts';

/** One that has to wait keeps a connection, as if it had come alone. What comes when there is none goes along with the next. */
const UNDER_WAY_MAX = lanes.holds.connections;
/** Holds that wait or are under way together. */
const HOLDS_MAX = lanes.shop.requestsMax;
/** From when they are sent, as any hold is waited for: the booking service gives up before, and gives back what it took. */
const PATIENCE_MS = lanes.holds.answerTimeoutMs;
/** Longer nobody waits to be sent. They have asked for nothing yet, and may try again. */
const ROW_MS_MAX = 2_000;
/** How exactly that is kept while nothing ends. */
const CHECKS_PER_ROW = 10;
/** Fans of whom it is known which process answers them; the booking service remembers as many tokens. */
const KNOWN_KEPT = 20_000;
/** A fan who has done nothing for so long is asked for alone once more. */
const KNOWN_MS = 5 * 60_000;
/** A hundred seats by name are some 3 KB. */
const BODY_BYTES_MAX = 4 * 1024;
/** A character may take six in JSON; more than fits nobody's hold has. */
const LINE_BYTES_MAX = HOLDS_TOGETHER_BYTES_MAX / 8;
/** What the booking service reads of a hold. */
const READ_HEADERS = [
  'authorization',
  'content-type',
  'idempotency-key',
  REQUEST_ID,
  internalHeaders.admission,
  internalHeaders.left,
];
/** What HTTP carries as it is; anything else is judged as ever. */
const PLAIN = /^[\x20-\x7e]*$/;
const HOLD_PATH = /^\/api\/sales\/([^/?]+)\/holds$/;
const NEWLINE = 0x0a;

type Hold = {
  request: BookingRequest;
  line: string;
  token: string;
  sendByMs: number;
  resolve: (answer: BookingAnswer) => void;
  reject: (error: unknown) => void;
};

/**
 * Asks the booking service, and sends the holds of one moment there in one request: what HTTP costs, on both sides, is paid
 * once for all of them. Each keeps its own token, id, patience, status and error, and is answered as soon as its own answer is
 * there; whoever waits for somebody's lock keeps nobody.
 *
 * Only fans whom the same process has answered go together, by the header in which it says so: with several booking services
 * a fan stays with the one that is theirs. Whoever comes alone, or is not known yet, is asked for as ever.
 */
export function sendHoldsTogether(
  booking: Pick<BookingClient, 'request'>,
  { patienceMs = PATIENCE_MS, rowMs = ROW_MS_MAX } = {},
): Pick<BookingClient, 'request'> {
  const processOf = createRecent<string>({ keysKept: KNOWN_KEPT, keptMs: KNOWN_MS });
  const rows = new Map<string, Hold[]>();
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;
  let holds = 0;
  let underWay = 0;

  const askAlone = async (request: BookingRequest): Promise<BookingAnswer> => {
    const answer = await booking.request(request);
    const process = answer.headers[internalHeaders.process];
    const token = request.headers?.authorization;
    if (typeof process === 'string' && token !== undefined) processOf.set(token, process, performance.now());
    return answer;
  };

  const send = (): void => {
    isDue = false;
    while (underWay < UNDER_WAY_MAX && rows.size > 0) {
      const [process, row] = rows.entries().next().value as [string, Hold[]];
      const taken = takeFrom(row);
      // What is left comes after the rows of the other processes.
      rows.delete(process);
      if (row.length > 0) rows.set(process, row);
      void carry(process, taken);
    }
    if (rows.size > 0 && timer === undefined) timer = setTimeout(refuseLate, rowMs / CHECKS_PER_ROW);
  };

  /** Also while nothing that is under way ends. */
  const refuseLate = (): void => {
    timer = undefined;
    const nowMs = performance.now();
    for (const [process, row] of rows) {
      while (row[0] !== undefined && row[0].sendByMs <= nowMs) row.shift()?.reject(late());
      if (row.length === 0) rows.delete(process);
    }
    send();
  };

  const carry = async (process: string, sent: Hold[]): Promise<void> => {
    const [first] = sent;
    if (first === undefined) return;
    underWay += 1;
    try {
      if (sent.length === 1) await askAlone(first.request).then(first.resolve, first.reject);
      else await carryTogether(process, sent, first);
    } finally {
      underWay -= 1;
      if (rows.size > 0 && !isDue) send();
    }
  };

  const carryTogether = async (process: string, sent: Hold[], first: Hold): Promise<void> => {
    const open = new Map(sent.entries());
    const tell = (text: string) => {
      const [place, status, headers, body] = parsed(text);
      const hold = open.get(place);
      open.delete(place);
      hold?.resolve({ status, headers, body: Buffer.from(body) });
    };
    const patience = new AbortController();
    const endOfPatience = setTimeout(() => patience.abort(late()), patienceMs);
    itemsPerCall.observe(sent.length, 'holds-to-the-shop');
    try {
      const answer = await booking.request({
        ...{ lane: 'holds', method: 'POST', path: HOLDS_TOGETHER_PATH },
        headers: { authorization: first.token },
        body: Buffer.from(sent.map(({ line }) => line).join('\n'), 'latin1'),
        onPart: byLine(tell),
        signal: patience.signal,
      });
      // Another stands where that one was: whose these fans are is to be heard anew.
      if (answer.headers[internalHeaders.process] !== process)
        for (const { token } of sent) processOf.delete(token);
      for (const { request, resolve, reject } of open.values()) {
        if (answer.status === 200) reject(unavailable('the answer broke off'));
        // Who does not take them together, as an older booking service, has taken none.
        else if (answer.status < 500) void askAlone(request).then(resolve, reject);
        // Whoever is away for all is away for each.
        else resolve({ status: answer.status, headers: { ...answer.headers }, body: answer.body });
      }
    } catch (error) {
      for (const { token } of sent) processOf.delete(token);
      for (const { reject } of open.values()) reject(error);
    } finally {
      clearTimeout(endOfPatience);
    }
  };

  return {
    request: (request) => {
      const token = request.headers?.authorization ?? '';
      const process = processOf.get(token);
      const line = process === undefined ? null : lineOf(request);
      if (process === undefined || line === null) return askAlone(request);
      if (holds >= HOLDS_MAX) return Promise.reject(unavailable('too many holds are under way'));
      holds += 1;
      return new Promise<BookingAnswer>((resolve, reject) => {
        const row = rows.get(process) ?? [];
        rows.set(process, row);
        row.push({ request, line, token, sendByMs: performance.now() + rowMs, resolve, reject });
        // At the end of this turn of the event loop: what Redis has said of several at once goes along.
        if (!isDue) setImmediate(send);
        isDue = true;
      }).finally(() => {
        holds -= 1;
      });
    },
  };
}

/** A hold's line, or null where it is not one of the plain kind, and asked for as ever. */
function lineOf({ method, path, headers = {}, body = null }: BookingRequest): string | null {
  const sale = method === 'POST' ? HOLD_PATH.exec(path)?.[1] : undefined;
  if (sale === undefined || (body?.length ?? 0) > BODY_BYTES_MAX) return null;
  const read: Record<string, string> = {};
  for (const name of READ_HEADERS) {
    const value = headers[name];
    if (value === undefined) continue;
    if (!PLAIN.test(value)) return null;
    read[name] = value;
  }
  const asked: AskedHold = [sale, read, Buffer.from(body ?? '').toString('latin1')];
  const line = JSON.stringify(asked);
  return line.length > LINE_BYTES_MAX ? null : line;
}

/** The next to go, in order of arrival, without those that have waited for too long. */
function takeFrom(row: Hold[]): Hold[] {
  const nowMs = performance.now();
  const taken: Hold[] = [];
  let bytes = 0;
  for (let next = row[0]; next !== undefined && taken.length < HOLDS_TOGETHER_MAX; next = row[0]) {
    bytes += next.line.length + 1;
    if (bytes > HOLDS_TOGETHER_BYTES_MAX) break;
    row.shift();
    if (next.sendByMs > nowMs) taken.push(next);
    else next.reject(late());
  }
  return taken;
}

/** Takes parts of lines, and tells the lines. */
function byLine(tell: (line: string) => void): (part: Buffer) => void {
  let begun = Buffer.alloc(0);
  return (part) => {
    const end = part.lastIndexOf(NEWLINE);
    const whole = end === -1 ? null : Buffer.concat([begun, part.subarray(0, end)]);
    begun = Buffer.concat(whole ? [part.subarray(end + 1)] : [begun, part]);
    if (whole) for (const line of whole.toString().split('\n')) tell(line);
  };
}

/** What cannot be read is not told on. */
function parsed(text: string): AnsweredHold {
  try {
    return JSON.parse(text) as AnsweredHold;
  } catch {
    throw new Error('an answer that is not of this form');
  }
}

const late = () => unavailable('no answer in time');
