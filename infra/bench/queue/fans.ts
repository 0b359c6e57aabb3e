import { createTicketMint } from '../../../gateway/queue/ticket.ts';

export const QUEUE_TICKET_SECRET = 'the benchmark’s queue ticket secret of 32 and more';

/** The entry id of the fan with this queue number: 64 bits that look like any other, and can be made again. */
export function entryOf(queueNumber: number): string {
  const bytes = Buffer.alloc(8);
  // Odd multipliers: different numbers never meet.
  bytes.writeUInt32BE(Math.imul(queueNumber, 2_654_435_761) >>> 0, 0);
  bytes.writeUInt32BE(Math.imul(queueNumber, 2_246_822_519) >>> 0, 4);
  return bytes.toString('base64url');
}

const mint = createTicketMint(QUEUE_TICKET_SECRET);

export const ticketOf = (sale: string, queueNumber: number): string =>
  mint.sign({ sale, entry: entryOf(queueNumber), queueNumber, epoch: 1 });
