import { ReadableStream } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import type { Money } from '#shared/contract/fields.ts';
import type { OrderListAnswer, OrganiserOrder } from '#shared/contract/organiser.ts';
import { Problem } from '#shared/problem.ts';

/**
 * So many orders are in memory at once, here and in the booking service, however many a sale has. Few enough that making
 * their rows (some ms) keeps no fan's poll waiting.
 */
export const CSV_PAGE_ORDERS = 200;
/** A booking service that starts again does not spoil a long file. */
const PAGE_ATTEMPTS_MAX = 20;
const defaultRetryMs = 1_000;

/** Reads a page of orders that come behind a cursor. */
export type OrderPages = (after: string | undefined) => Promise<OrderListAnswer>;

const columns = [
  ...['order', 'state', 'failure', 'createdAt', 'buyerName', 'buyerEmail'],
  ...['quantity', 'seats', 'total', 'currency'],
];

/**
 * All orders of a sale as CSV (RFC 4180, UTF-8), the newest first, a page at a time and no faster than they are read.
 * What a buyer wrote is never a formula: such cells begin with an apostrophe.
 *
 * Resolves when the first page is there, and rejects with what kept it from coming. When a later page cannot be had, the
 * stream fails: a file that ends in the middle must not look whole.
 */
export async function ordersCsv(
  pages: OrderPages,
  retryMs: number = defaultRetryMs,
): Promise<ReadableStream<Uint8Array>> {
  const first = await pages(undefined);
  const parts = async function* () {
    const encoder = new TextEncoder();
    yield encoder.encode(csvOf(first.orders, true));
    for (let { next } = first; next !== null; ) {
      const after = next;
      const page = await patiently(() => pages(after), retryMs);
      yield encoder.encode(csvOf(page.orders, false));
      next = page.next;
    }
  };
  return ReadableStream.from(parts());
}

async function patiently<Answer>(ask: () => Promise<Answer>, retryMs: number): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const again = error instanceof Problem && error.code === 'unavailable' && attempt < PAGE_ATTEMPTS_MAX;
      if (!again) throw error;
      await delay(retryMs);
    }
  }
}

const csvOf = (orders: readonly OrganiserOrder[], header: boolean): string =>
  stringify(orders.map(csvRow), { header, columns, record_delimiter: '\r\n' });

/**
 * What people wrote must not run in a spreadsheet, where a cell that begins like a formula is one (OWASP, CSV injection).
 * Ids and figures stay as they are: an id may begin with a hyphen and has to be found again.
 */
const written = (text: string): string => (/^[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text);

const csvRow = (order: OrganiserOrder) => ({
  ...{ order: order.order, state: order.state, failure: order.failure, createdAt: order.createdAt },
  ...{ buyerName: written(order.buyer.name), buyerEmail: written(order.buyer.email) },
  ...{ quantity: order.seats.length, seats: written(order.seats.map(({ seat }) => seat).join(', ')) },
  ...{ total: decimal(order.total), currency: order.total.currency },
});

/** An amount in major units with as many decimals as the currency has (ISO 4217), as spreadsheets calculate with it. */
function decimal({ amount, currency }: Money): string {
  const decimals = decimalsOf(currency);
  return (amount / 10 ** decimals).toFixed(decimals);
}

/** Remembered, for making a format costs more than all the rest of a row; three letters make few currencies. */
const knownDecimals = new Map<string, number>();

function decimalsOf(currency: string): number {
  const known = knownDecimals.get(currency);
  if (known !== undefined) return known;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const { maximumFractionDigits: decimals = 2 } = format.resolvedOptions();
  knownDecimals.set(currency, decimals);
  return decimals;
}
