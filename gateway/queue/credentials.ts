import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from 'hono';
import { bearerToken } from '#shared/admission-token.ts';
import { Problem } from '#shared/problem.ts';
import { browserSeal } from './browser-seal.ts';
import type { QueueTicket, TicketMint } from './ticket.ts';

/** `join` is the browser's own Idempotency-Key for joining. */
type CookiePurpose = 'queue' | 'join';

const COOKIE_MAX_AGE_SECONDS = 7 * 24 * 3_600;

/**
 * A sale's cookies. Scripts never see them; behind https their names carry `__Host-`, which binds them to this host
 * (RFC 6265bis §4.1.3.2). An admission's is sealed for the browser that claimed it.
 */
export type Cookies = {
  read: (header: string | undefined, sale: string, purpose: CookiePurpose) => string | null;
  write: (sale: string, purpose: CookiePurpose, value: string) => string;
  /** The admission token in the cookie of the browser that asks; null without one of its own. */
  readAdmission: (headers: BrowserHeaders, sale: string) => string | null;
  writeAdmission: (sale: string, token: string, userAgent: string | undefined) => string;
  clearAdmission: (sale: string) => string;
};

type BrowserHeaders = Pick<IncomingHttpHeaders, 'cookie' | 'user-agent'>;

export function saleCookies(options: { secure: boolean; secret: string }): Cookies {
  const seal = browserSeal(options.secret, 'admission cookie');
  const prefix = options.secure ? '__Host-' : '';
  const attributes = `Path=/; HttpOnly; SameSite=Lax${options.secure ? '; Secure' : ''}`;
  const nameOf = (sale: string, purpose: CookiePurpose | 'admission') => `${prefix}${purpose}-${sale}`;
  const setting = (name: string, value: string, seconds: number) =>
    `${name}=${value}; ${attributes}; Max-Age=${seconds}`;
  return {
    read: (header, sale, purpose) => (header ? cookieValue(header, nameOf(sale, purpose)) : null),
    write: (sale, purpose, value) => setting(nameOf(sale, purpose), value, COOKIE_MAX_AGE_SECONDS),
    readAdmission({ cookie, 'user-agent': userAgent }, sale) {
      const sealed = cookie ? cookieValue(cookie, nameOf(sale, 'admission')) : null;
      return sealed === null ? null : seal.open(sealed, userAgent);
    },
    writeAdmission: (sale, token, userAgent) =>
      setting(nameOf(sale, 'admission'), seal.close(token, userAgent), COOKIE_MAX_AGE_SECONDS),
    clearAdmission: (sale) => setting(nameOf(sale, 'admission'), '', 0),
  };
}

/** Reads one known cookie without parsing the others. */
function cookieValue(header: string, name: string): string | null {
  let from = 0;
  while (from < header.length) {
    const semicolon = header.indexOf(';', from);
    const end = semicolon === -1 ? header.length : semicolon;
    const equals = header.indexOf('=', from);
    if (equals !== -1 && equals < end && header.slice(from, equals).trim() === name) {
      return header.slice(equals + 1, end).trim() || null;
    }
    from = end + 1;
  }
  return null;
}

/** The credential a request brings for its sale: `Authorization: Bearer` wins over the cookie; null without either. */
export function credentialOf(c: Context, cookies: Cookies, purpose: 'queue' | 'admission'): string | null {
  const authorization = c.req.header('authorization');
  if (authorization === undefined)
    return purpose === 'admission'
      ? cookies.readAdmission(browserOf(c), saleOf(c))
      : cookies.read(c.req.header('cookie'), saleOf(c), purpose);
  const token = bearerToken(authorization);
  if (token === null) throw new Problem('token-invalid', 'The Authorization header is not a bearer token.');
  return token;
}

/**
 * The queue ticket of a request that is answered ahead of the router; null for any that is not plainly ours and of this
 * sale: the router then says why.
 */
export function ticketOfRequest(
  { authorization, cookie }: IncomingHttpHeaders,
  sale: string,
  { tickets, cookies }: TicketDeps,
): QueueTicket | null {
  const text = authorization === undefined ? cookies.read(cookie, sale, 'queue') : bearerToken(authorization);
  return text === null ? null : ticketOfSale(tickets, sale, text);
}

type TicketDeps = { tickets: TicketMint; cookies: Cookies };

/** The queue ticket of a request. Throws `gate-required` without one, `token-invalid` for one of elsewhere. */
export function requireTicket(c: Context, { tickets, cookies }: TicketDeps): QueueTicket {
  const text = credentialOf(c, cookies, 'queue');
  if (text === null) throw new Problem('gate-required', 'Join the queue first: there is no queue ticket.');
  const ticket = ticketOfSale(tickets, saleOf(c), text);
  if (!ticket) throw new Problem('token-invalid', 'The queue ticket is not valid for this sale.');
  return ticket;
}

/** The queue ticket in this browser's cookie, or null when there is none that is ours and of this sale. */
export function ticketInCookie(c: Context, { tickets, cookies }: TicketDeps): QueueTicket | null {
  const text = cookies.read(c.req.header('cookie'), saleOf(c), 'queue');
  return text === null ? null : ticketOfSale(tickets, saleOf(c), text);
}

function ticketOfSale(tickets: TicketMint, sale: string, text: string): QueueTicket | null {
  const ticket = tickets.verify(text);
  return ticket?.sale === sale ? ticket : null;
}

/** What a request says of the browser that makes it. */
export const browserOf = (c: Context): BrowserHeaders => {
  const [cookie, userAgent] = [c.req.header('cookie'), c.req.header('user-agent')];
  return {
    ...(cookie === undefined ? {} : { cookie }),
    ...(userAgent === undefined ? {} : { 'user-agent': userAgent }),
  };
};

const saleOf = (c: Context): string => c.req.param('sale') as string;
