import type { Context, MiddlewareHandler } from 'hono';
import { type AdmissionClaims, type AdmissionTokenVerifier, bearerToken } from '#shared/admission-token.ts';
import type { Clock } from '#shared/clock.ts';
import { CLOCK_TOLERANCE_SECONDS, type HOLDS_END_UNKNOWN, internalHeaders } from '#shared/internal.ts';
import { Problem } from '#shared/problem.ts';
import type { Sale } from '../catalogue/sale.ts';
import { noSuch } from './path-id.ts';

/** Who asks: a queue entry under one admission. */
export type Fan = {
  id: string;
  admission: string;
  /** What else its token says, for the gateway to be told with an order, should Redis have lost the entry. */
  token: Pick<AdmissionClaims, 'number' | 'iat'>;
  /** False once the admission is finished: it may read its own orders and replay its own keys, no more. */
  isLive: boolean;
  /** How long the admission lasts from now on; negative when it is over and only a payment may still end. */
  leftMs: number;
  /** Whether that is the gateway's word; otherwise it is judged by the token and this service's own clock. */
  leftIsExact: boolean;
};

export type FanEnv = {
  Variables: {
    fan: Fan;
    sale: Sale;
    /** What the gateway is told in the answer's headers, whatever the answer is. */
    holdsEndMs: number | typeof HOLDS_END_UNKNOWN | undefined;
    order: string | undefined;
  };
};

const toleranceMs = CLOCK_TOLERANCE_SECONDS * 1000;

/** Who asks for something of a sale, by a request's headers. */
export type Admit = (
  header: (name: string) => string | undefined,
  saleId: string | undefined,
) => Promise<{ fan: Fan; sale: Sale }>;

/** Lets only fans in whose admission the gateway has just found live or finished and whose token is of this sale. */
export function createAdmit(options: {
  verify: AdmissionTokenVerifier;
  findSale: (id: string) => Promise<Sale | undefined>;
  clock: Clock;
}): Admit {
  const { verify, findSale, clock } = options;
  return async (header, saleId) => {
    const token = bearerToken(header('authorization'));
    const admission = header(internalHeaders.admission);
    if (!token || (admission !== 'live' && admission !== 'finished')) {
      throw new Problem('gate-required', 'This needs an admission to the sale.');
    }
    const claims = await verify(token);
    if (claims.sale !== saleId) {
      throw new Problem('token-invalid', 'The admission token is of another sale.');
    }
    const sale = await findSale(claims.sale);
    if (!sale) throw noSuch('sale');
    const fan = {
      id: claims.sub,
      admission: claims.jti,
      token: { number: claims.number, iat: claims.iat },
      isLive: admission === 'live',
      ...timeLeft(header(internalHeaders.left), claims.ends * 1000 - clock()),
    };
    return { fan, sale };
  };
}

/** Lays down who asks and the sale, and passes the answer's news for the gateway on. */
export function requireFan(admit: Admit): MiddlewareHandler<FanEnv> {
  return async (c, next) => {
    const { fan, sale } = await admit((name) => c.req.header(name), c.req.param('sale'));
    c.set('sale', sale);
    c.set('fan', fan);
    await next();
    tellGateway(c);
  };
}

function timeLeft(word: string | undefined, byTokenMs: number): Pick<Fan, 'leftMs' | 'leftIsExact'> {
  const leftMs = Number(word);
  return word !== undefined && Number.isFinite(leftMs)
    ? { leftMs, leftIsExact: true }
    : { leftMs: byTokenMs, leftIsExact: false };
}

function tellGateway(c: Context<FanEnv>): void {
  const { holdsEndMs, order } = c.var;
  if (holdsEndMs !== undefined) c.res.headers.set(internalHeaders.holdEnds, String(holdsEndMs));
  if (order !== undefined) c.res.headers.set(internalHeaders.order, order);
}

/** For everything that is new: throws `already-finished` for an admission that has bought, or was given back. */
export function requireLive(fan: Fan): void {
  if (!fan.isLive) throw new Problem('already-finished', 'This admission is finished; it books nothing new.');
}

/**
 * How much of the admission is left for a new hold; throws `gate-required` when nothing is. The gateway says it by the
 * clock that the admission was given by. Without its word the clocks may differ by the tolerance, in the fan's favour.
 */
export function shoppingLeftMs(fan: Fan): number {
  const leftMs = fan.leftIsExact || fan.leftMs > 0 ? fan.leftMs : fan.leftMs + toleranceMs;
  if (leftMs <= 0) throw new Problem('gate-required', 'The admission has ended.');
  return leftMs;
}
