import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type postgres from 'postgres';
import { seatName } from '../verify/books/check.ts';

/** All that the shop has in its books in the end, as far as it is compared with what was answered. */
export type Books = {
  orders: Map<string, BookedOrder>;
  holds: Map<string, { state: string; seats: number[]; event: string }>;
  /** What was done by organisers, by the reason given, each with how often. */
  acts: Map<string, number>;
  /** Of each seat, `event seat`, its changes in order. */
  seatChanges: Map<string, SeatChange[]>;
  mails: BookedMail[];
};

export type BookedOrder = {
  id: string;
  sale: string;
  /** The fan's queue entry. */
  fan: string;
  email: string;
  key: string;
  state: string;
  payment: string;
  amount: number;
  codes: string[];
  /** Of its live tickets. */
  seats: string[];
  paid: { state: string; captures: number; refunds: number; amount: number; authorisations: number } | null;
};

/** A mail that the books call sent, and whether the mail server has it. */
export type BookedMail = { id: string; kind: string; order: string; hasArrived: boolean };

export type SeatChange = { at: number; state: number; heldUntil: number };

/** The orders of one sale, or of all, by id. */
export async function readOrders(sql: postgres.Sql, sale: string | null = null): Promise<Books['orders']> {
  const orders = await sql<BookedOrder[]>`
    select o.id, o.sale, o.fan, o.buyer_email as email, o.idempotency_key as key, o.state, o.payment, o.amount,
      array(select ticket.code from ticket where ticket.ticket_order = o.id order by seat) as codes,
      array(select ${seatName(sql, 'ticket')} from ticket where ticket.ticket_order = o.id and live order by seat) as seats,
      (select jsonb_build_object('state', p.state, 'captures', p.captures, 'refunds', p.refunds,
        'amount', p.amount, 'authorisations', p.authorisations)
        from test_payment p where p.payment = o.id) as paid
    from ticket_order o where ${sale}::text is null or o.sale = ${sale}`;
  return new Map(orders.map((order) => [order.id, order]));
}

/** The names of mails that have arrived where a shop without a mail server keeps them. */
export async function mailsKept(dataDir: string): Promise<Set<string>> {
  const files = await readdir(join(dataDir, 'mail')).catch(() => []);
  return new Set(files.map((file) => file.replace(/\.json$/, '')));
}

/** `arrived`: the ids of the messages that the mail server has accepted. */
export async function readBooks(sql: postgres.Sql, arrived: ReadonlySet<string>): Promise<Books> {
  const orders = await readOrders(sql);
  const holds = await sql<{ id: string; state: string; seats: number[]; event: string }[]>`
    select id, state, seats, event from hold`;
  const acts = await sql<{ reason: string; times: number }[]>`
    select reason, count(*)::int as times from audit_entry group by reason`;
  const sent = await sql<Omit<BookedMail, 'hasArrived'>[]>`
    select id, kind, ticket_order as "order" from outbox_message where kind like '%mail' and state = 'sent'`;
  const changes = await sql<{ seat: string; at: number; state: number; heldUntil: number | null }[]>`
    select event || ' ' || seat as seat, state, (extract(epoch from at) * 1000)::float8 as at,
      (extract(epoch from held_until) * 1000)::float8 as "heldUntil"
    from seat_change order by id`;
  const seatChanges = new Map<string, SeatChange[]>();
  for (const { seat, at, state, heldUntil } of changes) {
    const known = seatChanges.get(seat) ?? [];
    seatChanges.set(seat, known);
    known.push({ at, state, heldUntil: heldUntil ?? Number.POSITIVE_INFINITY });
  }
  return {
    orders,
    holds: new Map(holds.map((hold) => [hold.id, hold])),
    acts: new Map(acts.map(({ reason, times }) => [reason, times])),
    seatChanges,
    mails: sent.map((mail) => ({ ...mail, hasArrived: arrived.has(mail.id) })),
  };
}
