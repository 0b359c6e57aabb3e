import { hkdfSync } from 'node:crypto';
import { idPattern } from '#shared/ids.ts';
import { secretsOf } from '#shared/secrets.ts';
import { hmacSha256 } from '#shared/sha256.ts';
import { keepByNumber, NUMBERS_PER_PAGE } from './by-number.ts';

/**
 * What a queue ticket says: one entry of one sale. `queueNumber` is null until the draw has given one; `epoch` is the
 * queue's when the ticket was signed: it rises whenever Redis has lost data.
 */
export type QueueTicket = { sale: string; entry: string; queueNumber: number | null; epoch: number };

/** The epoch of a queue that has never lost anything. */
export const FIRST_EPOCH = 1;

const VERSION = 'q2';
/** Half of HMAC-SHA256, the least that RFC 2104 §5 recommends to keep: 128 bits. */
const MAC_BYTES = 16;
const MAC_LENGTH = 22;
const ENTRY_LENGTH = 11;
/** Four million tickets, 34 bytes each, as they are used. */
const VERIFIED_PAGES_MAX = 4_096;
const VERIFIED_BYTES = ENTRY_LENGTH + 1 + MAC_LENGTH;
const REMEMBERED_EPOCH_MAX = 255;
export const QUEUE_TICKET_LENGTH_MAX = 160;
const QUEUE_NUMBER_MAX = 2 ** 32 - 1;
const EPOCH_MAX = 2 ** 31 - 1;

const DOT = 46;
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * Signs and checks queue tickets, and derives entry ids from idempotency keys. A ticket is checked at every poll, so it
 * is an HMAC-SHA256 (RFC 2104) over its plain fields, compared in constant time; what was checked once is remembered by
 * its queue number, and compared in constant time again. Both jobs have keys of their own, derived from the one secret
 * (RFC 5869). Of several secrets (secretsOf) the first signs and all verify.
 */
export function createTicketMint(secret: string) {
  const secrets = secretsOf(secret);
  const [ticketMac, ...otherTicketMacs] = secrets.map((each) => hmacSha256(deriveKey(each, 'queue ticket')));
  const [entryMac, ...otherEntryMacs] = secrets.map((each) => hmacSha256(deriveKey(each, 'entry id')));
  const message = Buffer.alloc(QUEUE_TICKET_LENGTH_MAX);
  const verified = keepByNumber(() => new Uint8Array(NUMBERS_PER_PAGE * VERIFIED_BYTES), VERIFIED_PAGES_MAX);

  const macOf = (payload: string, by = ticketMac as Mac): string => {
    const mac = by.of(message, message.write(payload, 'latin1'));
    return Buffer.from(mac.buffer, 0, MAC_BYTES).toString('base64url');
  };

  return {
    sign({ sale, entry, queueNumber, epoch }: QueueTicket): string {
      const payload = `${VERSION}.${sale}.${entry}.${queueNumber ?? 0}.${epoch}`;
      return `${payload}.${macOf(payload)}`;
    },

    /** The ticket, or null when it is not one of ours, whatever the reason. */
    verify(text: string): QueueTicket | null {
      if (text.length > QUEUE_TICKET_LENGTH_MAX) return null;
      const ticket = parse(text);
      if (!ticket) return null;
      const number = numberToRemember(ticket);
      const at = (number % NUMBERS_PER_PAGE) * VERIFIED_BYTES;
      const page = number === 0 ? undefined : verified.find(ticket.sale, number);
      if (page && isSame(page, at, ticket, text)) return ticket;
      const payload = text.slice(0, -MAC_LENGTH - 1);
      const given = text.slice(-MAC_LENGTH);
      const isOurs =
        isSameText(macOf(payload), given) ||
        otherTicketMacs.some((other) => isSameText(macOf(payload, other), given));
      if (!isOurs) return null;
      const place = number === 0 ? undefined : verified.get(ticket.sale, number);
      if (place) remember(place, at, ticket, text);
      return ticket;
    },

    /**
     * The same key in the same sale gives the same 64-bit id, on any gateway, without a table of keys; nobody outside
     * can choose or foresee it.
     */
    entryIdOf: (sale: string, idempotencyKey: string): string =>
      entryIdBy(entryMac as Mac, sale, idempotencyKey),

    /** The ids that the key has led to, or leads to at gateways where another secret still comes first. */
    otherEntryIdsOf: (sale: string, idempotencyKey: string): string[] =>
      otherEntryMacs.map((mac) => entryIdBy(mac, sale, idempotencyKey)),
  };
}

export type TicketMint = ReturnType<typeof createTicketMint>;

type Mac = ReturnType<typeof hmacSha256>;

const entryIdBy = (mac: Mac, sale: string, idempotencyKey: string): string =>
  Buffer.from(mac.of(Buffer.from(`${sale}\n${idempotencyKey}`)).buffer, 0, 8).toString('base64url');

const deriveKey = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `admit-one ${purpose}`, 32));

/** Only numbers have a slot, and only what its bytes can hold is put there; 0 for other tickets. */
const numberToRemember = ({ entry, queueNumber, epoch }: QueueTicket): number =>
  entry.length === ENTRY_LENGTH && epoch <= REMEMBERED_EPOCH_MAX ? (queueNumber ?? 0) : 0;

function remember(page: Uint8Array, at: number, { entry, epoch }: QueueTicket, text: string): void {
  const mac = text.length - MAC_LENGTH;
  for (let i = 0; i < ENTRY_LENGTH; i += 1) page[at + i] = entry.charCodeAt(i);
  page[at + ENTRY_LENGTH] = epoch;
  for (let i = 0; i < MAC_LENGTH; i += 1) page[at + ENTRY_LENGTH + 1 + i] = text.charCodeAt(mac + i);
}

/** Whether this very ticket was verified before: all of what its MAC covers and the MAC, without an early end. */
function isSame(page: Uint8Array, at: number, { entry, epoch }: QueueTicket, text: string): boolean {
  const mac = text.length - MAC_LENGTH;
  let difference = (page[at + ENTRY_LENGTH] as number) ^ epoch;
  for (let i = 0; i < ENTRY_LENGTH; i += 1) difference |= (page[at + i] as number) ^ entry.charCodeAt(i);
  for (let i = 0; i < MAC_LENGTH; i += 1) {
    difference |= (page[at + ENTRY_LENGTH + 1 + i] as number) ^ text.charCodeAt(mac + i);
  }
  return difference === 0;
}

/** Compares without an early end; the length of a MAC is no secret. */
function isSameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/** q2.sale.entry.number.epoch.mac, each field in one spelling only. */
function parse(text: string): QueueTicket | null {
  if (!text.startsWith(`${VERSION}.`)) return null;
  const saleEnd = text.indexOf('.', VERSION.length + 1);
  const entryEnd = text.indexOf('.', saleEnd + 1);
  const numberEnd = text.indexOf('.', entryEnd + 1);
  const epochEnd = text.length - MAC_LENGTH - 1;
  if (saleEnd === -1 || entryEnd === -1 || numberEnd === -1 || text.charCodeAt(epochEnd) !== DOT) return null;
  const number = wholeNumber(text, entryEnd + 1, numberEnd, QUEUE_NUMBER_MAX);
  const epoch = wholeNumber(text, numberEnd + 1, epochEnd, EPOCH_MAX);
  if (number === null || epoch === null) return null;
  const sale = text.slice(VERSION.length + 1, saleEnd);
  const entry = text.slice(saleEnd + 1, entryEnd);
  if (!idPattern.test(sale) || !idPattern.test(entry)) return null;
  return { sale, entry, queueNumber: number === 0 ? null : number, epoch };
}

/** Decimal without leading zeros; null for anything else. */
function wholeNumber(text: string, from: number, to: number, max: number): number | null {
  if (to <= from || to - from > 10 || (text.charCodeAt(from) === DIGIT_0 && to - from > 1)) return null;
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i);
    if (digit < DIGIT_0 || digit > DIGIT_9) return null;
    value = value * 10 + digit - DIGIT_0;
  }
  return value <= max ? value : null;
}
