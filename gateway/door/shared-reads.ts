import { isKnown } from '#shared/finished-answer.ts';
import { internalHeaders } from '#shared/internal.ts';
import { createRecent } from '#shared/recent.ts';
import { takesGzip } from '#shared/takes-gzip.ts';
import { togetherByName } from '#shared/together.ts';
import type { BookingAnswer, BookingClient, BookingRequest } from '../booking/client.ts';

/** Fans of one sale who wait for the same answer. */
const ASKING_MAX = 20_000;
/** Longer than this nobody waits for an answer in another's name. */
const PATIENCE_MS = 250;
/** How long after the shop has answered somebody others may ask in that name. */
const KNOWN_MS = 60_000;
const KNOWN_KEPT = 50_000;
/** Whole maps whose entity tag is remembered, so that the same bytes are not sent again; one is at most some 30 KB. */
const REMEMBERED_MAX = 200;

/** Equal answers are made in these two forms. */
type Asked = { request: BookingRequest; coding: 'gzip' | 'identity' };

/**
 * Asks the shop once for all who want the same at the same time, and were each let in by the door: what arrives while a
 * request is under way shares the next, so nobody is told anything older than if asking alone. A crowd that watches a hall
 * of 80,000 seats costs the shop one request at a time and gateway.
 *
 * Sharing helps or does nothing. The door has judged each asker's admission before, so one that was withdrawn shares nothing,
 * and the shop has checked each asker's own token within the last minute: until then, and
 * wherever the answer to a shared question is anything but the seats, comes late, or not at all, everybody asks alone, with
 * all that their own request says.
 */
export function shareReads(
  booking: Pick<BookingClient, 'request'>,
  { patienceMs = PATIENCE_MS } = {},
): (request: BookingRequest, admission: string) => Promise<BookingAnswer> {
  const remembered = new Map<string, BookingAnswer>();
  const knownUntil = createRecent<number>({ keysKept: KNOWN_KEPT, keptMs: KNOWN_MS });

  const askAlone = async (request: BookingRequest, admission: string): Promise<BookingAnswer> => {
    const answer = await booking.request(request);
    const nowMs = performance.now();
    if (isOfSeats(answer)) knownUntil.set(admission, nowMs + KNOWN_MS, nowMs);
    return answer;
  };

  /**
   * In the name of one, without what only that one wants, or has made up. The answer of an earlier time where that is what
   * the shop still says; null where it says nothing of seats.
   */
  const askForAll = async (name: string, { request, coding }: Asked): Promise<BookingAnswer | null> => {
    const known = remembered.get(name);
    const headers: Record<string, string | undefined> = {
      'accept-encoding': coding,
      'if-none-match': known?.headers.etag?.toString(),
    };
    for (const header of SHARED_HEADERS) headers[header] = request.headers?.[header];
    const answer = await booking.request({ ...request, headers: given(headers) });
    if (answer.status === 304 && known) return known;
    if (answer.status !== 200) return null;
    if (answer.headers.etag !== undefined && !request.path.includes('?'))
      put(remembered, name, answer, REMEMBERED_MAX);
    return answer;
  };

  const shared = togetherByName<Pick<BookingClient, 'request'>, Asked, BookingAnswer | null>((_, name) => ({
    async call(asked) {
      const answer = await askForAll(name, asked[0] as Asked).catch(() => null);
      return asked.map(() => answer);
    },
    what: 'seat-reads',
    atOnceMax: ASKING_MAX,
    waitingMax: ASKING_MAX,
    waitMsMax: patienceMs,
    impatientMs: patienceMs,
    failsAll: () => false,
  }));

  return async (request, admission) => {
    if ((knownUntil.get(admission) ?? 0) <= performance.now()) return askAlone(request, admission);
    const { headers = {} } = request;
    const coding = takesGzip(headers['accept-encoding']) ? 'gzip' : 'identity';
    const name = `${request.path} ${coding}`;
    const answer = await inTime(shared.do(booking, name, { request, coding }), patienceMs);
    if (answer === null) return askAlone(request, admission);
    const { etag } = answer.headers;
    return typeof etag === 'string' && isKnown(headers['if-none-match'], etag) ? notModified(answer) : answer;
  };
}

const SHARED_HEADERS = ['authorization', internalHeaders.admission, internalHeaders.left];

/** Without those that there are not. */
const given = (headers: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter((header): header is [string, string] => header[1] !== undefined),
  );

const isOfSeats = ({ status }: BookingAnswer): boolean => status === 200 || status === 304;

/** Null for what fails or is late. */
const inTime = <Answer>(answer: Promise<Answer | null>, withinMs: number): Promise<Answer | null> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, withinMs, null);
    answer
      .catch(() => null)
      .then((given) => {
        clearTimeout(timer);
        resolve(given);
      });
  });

/** The oldest gives way. */
function put<Value>(map: Map<string, Value>, name: string, value: Value, max: number): void {
  map.delete(name);
  if (map.size >= max) map.delete(map.keys().next().value as string);
  map.set(name, value);
}

/** Without what describes a body (RFC 9110 §15.4.5). */
function notModified({ headers: { 'content-type': _, ...headers } }: BookingAnswer): BookingAnswer {
  return { status: 304, headers, body: Buffer.alloc(0) };
}
