import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { idPattern } from '#shared/ids.ts';

/** What a queue ticket says: one entry of one sale. `queueNumber` is null until the draw has given one. */
export type QueueTicket = { sale: string; entry: string; queueNumber: number | null };

const VERSION = 'q1';
const MAC_BYTES = 32;
const VERIFIED_TICKETS_MAX = 50_000;
export const QUEUE_TICKET_LENGTH_MAX = 256;
const QUEUE_NUMBER_MAX = 2 ** 32 - 1;

/**
 * Signs and checks queue tickets, and derives entry ids from idempotency keys. A ticket is checked at every poll, so it
 * is an HMAC-SHA256 (RFC 2104) over its plain fields, compared in constant time; what was checked once is remembered.
 * Both jobs have keys of their own, derived from the one secret (RFC 5869).
 */
export function createTicketMint(secret: string) {
  const ticketKey = deriveKey(secret, 'queue ticket');
  const entryKey = deriveKey(secret, 'entry id');
  const verified = new Map<string, { mac: Buffer; ticket: QueueTicket }>();

  const macOf = (payload: string): Buffer => createHmac('sha256', ticketKey).update(payload).digest();

  return {
    sign(ticket: QueueTicket): string {
      const payload = `${VERSION}.${ticket.sale}.${ticket.entry}.${ticket.queueNumber ?? 0}`;
      return `${payload}.${macOf(payload).toString('base64url')}`;
    },

    /** The ticket, or null when it is not one of ours, whatever the reason. */
    verify(text: string): QueueTicket | null {
      if (text.length > QUEUE_TICKET_LENGTH_MAX) return null;
      const split = text.lastIndexOf('.');
      const payload = text.slice(0, split);
      const mac = Buffer.from(text.slice(split + 1), 'base64url');
      // One spelling only: Node reads base64url leniently.
      if (mac.length !== MAC_BYTES || mac.toString('base64url') !== text.slice(split + 1)) return null;
      const known = verified.get(payload);
      if (!timingSafeEqual(mac, known?.mac ?? macOf(payload))) return null;
      if (known) return known.ticket;
      const ticket = parsePayload(payload);
      if (!ticket) return null;
      if (verified.size >= VERIFIED_TICKETS_MAX) verified.delete(verified.keys().next().value as string);
      verified.set(payload, { mac, ticket });
      return ticket;
    },

    /**
     * The same key in the same sale gives the same 64-bit id, on any gateway, without a table of keys; nobody outside
     * can choose or foresee it.
     */
    entryIdOf(sale: string, idempotencyKey: string): string {
      const digest = createHmac('sha256', entryKey).update(`${sale}\n${idempotencyKey}`).digest();
      return digest.subarray(0, 8).toString('base64url');
    },
  };
}

export type TicketMint = ReturnType<typeof createTicketMint>;

const deriveKey = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `admit-one ${purpose}`, 32));

function parsePayload(payload: string): QueueTicket | null {
  const [version, sale = '', entry = '', number = '', ...more] = payload.split('.');
  if (version !== VERSION || more.length > 0) return null;
  if (!idPattern.test(sale) || !idPattern.test(entry) || !/^\d{1,10}$/.test(number)) {
    return null;
  }
  const queueNumber = Number(number);
  if (queueNumber > QUEUE_NUMBER_MAX) return null;
  return { sale, entry, queueNumber: queueNumber === 0 ? null : queueNumber };
}
