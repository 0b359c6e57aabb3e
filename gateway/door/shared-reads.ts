import { isKnown } from '#shared/finished-answer.ts';
import { takesGzip } from '#shared/takes-gzip.ts';
import { togetherByName } from '#shared/together.ts';
import type { BookingAnswer, BookingClient, BookingRequest } from '../booking/client.ts';

/** Fans of one sale who wait for the same answer. */
const ASKING_MAX = 20_000;
const WAIT_MS_MAX = 4_000;
/** A request that hangs delays those that come later no longer than this. */
const IMPATIENT_MS = 300;
/** Answers whose entity tag is remembered, so that the same bytes are not sent again; one is at most some 30 KB. */
const REMEMBERED_MAX = 200;

/**
 * Asks the shop once for all who want the same at the same time, and were each let in by the door: what arrives while a
 * request is under way shares the next, so nobody is told anything older than if asking alone. A crowd that watches a hall
 * of 80,000 seats costs the shop one request at a time and gateway.
 *
 * Where the shop does not know the one in whose name it was asked, the others ask on their own. What fails fails for all.
 */
export function shareReads(booking: BookingClient): BookingClient['request'] {
  const remembered = new Map<string, BookingAnswer>();
  const remember = (name: string, answer: BookingAnswer) => {
    remembered.delete(name);
    if (remembered.size >= REMEMBERED_MAX) remembered.delete(remembered.keys().next().value as string);
    remembered.set(name, answer);
  };

  /** In the name of the first; the answer of an earlier time where that is what the shop still says. */
  const askOnce = async (name: string, { headers, ...request }: BookingRequest): Promise<BookingAnswer> => {
    const known = remembered.get(name);
    const etag = known?.headers.etag;
    const answer = await booking.request({
      ...request,
      headers: { ...headers, ...(typeof etag === 'string' ? { 'if-none-match': etag } : {}) },
    });
    if (answer.status === 304 && known) return known;
    if (answer.status === 200 && answer.headers.etag !== undefined) remember(name, answer);
    return answer;
  };

  const shared = togetherByName<BookingClient, BookingRequest, BookingAnswer>((_, name) => ({
    async call([first, ...others]) {
      const answer = await askOnce(name, first as BookingRequest);
      if (answer.status !== 401) return [answer, ...others.map(() => answer)];
      return [answer, ...(await Promise.all(others.map((other) => askOnce(name, other))))];
    },
    atOnceMax: ASKING_MAX,
    waitingMax: ASKING_MAX,
    waitMsMax: WAIT_MS_MAX,
    impatientMs: IMPATIENT_MS,
    failsAll: () => false,
  }));

  return async (request) => {
    const {
      'accept-encoding': acceptEncoding,
      'if-none-match': ifNoneMatch,
      ...headers
    } = request.headers ?? {};
    const coding = takesGzip(acceptEncoding) ? 'gzip' : 'identity';
    const asked = { ...request, headers: { ...headers, 'accept-encoding': coding } };
    const answer = await shared.do(booking, `${request.path} ${coding}`, asked);
    const { etag } = answer.headers;
    const isSame = answer.status === 200 && typeof etag === 'string' && isKnown(ifNoneMatch, etag);
    return isSame ? notModified(answer) : answer;
  };
}

/** Without what describes a body (RFC 9110 §15.4.5). */
function notModified({ headers: { 'content-type': _, ...headers } }: BookingAnswer): BookingAnswer {
  return { status: 304, headers, body: Buffer.alloc(0) };
}
