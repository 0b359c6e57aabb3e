import { type AdmissionTokenVerifier, bearerToken } from '#shared/admission-token.ts';
import { writeFinished } from '#shared/finished-answer.ts';
import { internalHeaders } from '#shared/internal.ts';
import { saleOfTarget } from '#shared/sale-target.ts';
import type { Ahead } from '#shared/serve.ts';
import type { IsInternalKey } from '../caller/internal-key.ts';
import type { Inventory } from './inventory.ts';
import type { MapOf } from './seats-answer.ts';

/**
 * Fans who browse ask for the whole map again and again, so it is answered here, before the router: the gateway's key, a
 * token that has been verified before, bytes that are ready. Whatever is not of that kind, errors included, is left to the
 * route, which answers the same (a test compares them).
 */
export function answerMaps(options: {
  inventory: Inventory;
  mapOf: MapOf;
  verify: AdmissionTokenVerifier;
  isInternalKey: IsInternalKey;
}): Ahead {
  const { inventory, mapOf, verify, isInternalKey } = options;
  return ({ method, url, headers }, response) => {
    const id = method === 'GET' ? saleOfTarget(url as string, SUFFIX) : null;
    if (id === null || !isInternalKey(headers[internalHeaders.key] as string | undefined)) return false;
    const token = bearerToken(headers.authorization);
    if (token === null || headers[internalHeaders.admission] !== 'live') return false;
    const sale = verify.known(token)?.sale === id ? inventory.saleOf(id) : undefined;
    if (!sale) return false;
    const acceptEncoding = headers['accept-encoding'] as string | undefined;
    writeFinished(
      response,
      mapOf(sale, inventory.seatsOf(sale.event.id), acceptEncoding),
      headers['if-none-match'],
    );
    return ROUTE;
  };
}

const ROUTE = '/api/sales/:sale/seats';
const SUFFIX = '/seats';
