import { Hono } from 'hono';
import {
  BLOCK_BYTES_MAX,
  type BlockAnswer,
  OrderListQuery,
  PageQuery,
  RefundRequest,
  type ResendAnswer,
  ResendRequest,
  SeatsBlock,
} from '#shared/contract/organiser.ts';
import { readJson, validate } from '#shared/json-body.ts';
import { Problem } from '#shared/problem.ts';
import { newAct } from '../audit/act.ts';
import { readAudit } from '../audit/read-audit.ts';
import { organiserOf } from '../caller/organiser.ts';
import { noSuch, pathId } from '../caller/path-id.ts';
import { type Event, findEvent } from '../catalogue/event.ts';
import { listSales } from '../catalogue/sale.ts';
import { namedSeats, seatId } from '../catalogue/seat-id.ts';
import type { Db } from '../db/client.ts';
import { blockSeats, unblockSeats } from '../inventory/block.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { listOrders, readOrganiserOrder } from '../order/list-orders.ts';
import { refundOrder } from '../order/refund.ts';
import { listDeadLetters, resendMessage } from '../outbox/dead-letters.ts';

type Dependencies = { db: Db; inventory: Inventory; wakeWorker: () => void };

/** What the gateway asks for organisers about seats, orders, mail and what was done; the acts in somebody's name. */
export function organiserRoutes({ db, inventory, wakeWorker }: Dependencies): Hono {
  const requireEvent = async (id: string): Promise<Event> => {
    const event = await findEvent(db, id);
    if (!event) throw noSuch('event');
    return event;
  };
  const requireSale = async (id: string): Promise<{ event: Event; sale: string; version: number }> => {
    const [sale] = await listSales(db, [id]);
    if (!sale) throw noSuch('sale');
    return { event: await requireEvent(sale.event), sale: sale.id, version: sale.version };
  };

  return new Hono()
    .get('/sales/:sale/orders', async (c) => {
      const query = validate(OrderListQuery, c.req.query());
      return c.json(await listOrders(db, await requireSale(pathId(c, 'sale')), query));
    })
    .get('/sales/:sale/audit', async (c) => {
      const query = validate(PageQuery, c.req.query());
      return c.json(await readAudit(db, await requireSale(pathId(c, 'sale')), query));
    })
    .post('/events/:event/seats/block', async (c) => {
      const by = organiserOf(c);
      const { seats, reason } = await readJson(c, SeatsBlock, BLOCK_BYTES_MAX);
      const event = await requireEvent(pathId(c, 'event'));
      const done = await blockSeats(
        db,
        event.id,
        namedSeats(event.sections, seats, 'event'),
        newAct(by, reason),
      );
      if (done.outcome === 'taken') throw notOpen(event, done.seats);
      await inventory.refresh();
      return c.json(blockAnswer(event, seats, done.seats));
    })
    .post('/events/:event/seats/unblock', async (c) => {
      const by = organiserOf(c);
      const { seats, reason } = await readJson(c, SeatsBlock, BLOCK_BYTES_MAX);
      const event = await requireEvent(pathId(c, 'event'));
      const changed = await unblockSeats(
        db,
        event.id,
        namedSeats(event.sections, seats, 'event'),
        newAct(by, reason),
      );
      await inventory.refresh();
      return c.json(blockAnswer(event, seats, changed));
    })
    .post('/orders/:order/refund', async (c) => {
      const act = newAct(organiserOf(c), (await readJson(c, RefundRequest)).reason);
      const order = pathId(c, 'order');
      const found = await refundOrder(db, order, act);
      if (found === null) throw noSuch('order');
      if (found === 'inProgress' || found === 'failed') throw notRefundable(found);
      wakeWorker();
      // Whoever looks next, to open the sold-out sale again, sees the seats.
      await inventory.refresh();
      return c.json(await readOrganiserOrder(db, order));
    })
    .get('/mail/dead', async (c) => c.json(await listDeadLetters(db, validate(PageQuery, c.req.query()))))
    .post('/mail/:message/resend', async (c) => {
      const act = newAct(organiserOf(c), (await readJson(c, ResendRequest)).reason ?? null);
      const message = pathId(c, 'message');
      const state = await resendMessage(db, message, act);
      if (state === null) throw noSuch('message');
      wakeWorker();
      return c.json({ message, state } satisfies ResendAnswer);
    });
}

const blockAnswer = (event: Event, seats: string[], changed: readonly number[]): BlockAnswer => ({
  event: event.id,
  seats,
  changed: changed.map((seat) => seatId(event.sections, seat)),
});

function notOpen(event: Event, seats: readonly number[]): Problem {
  const conflicts = seats.map((seat) => seatId(event.sections, seat));
  return new Problem(
    'seats-taken',
    `${conflicts.length} of these seats are held or sold; none was blocked.`,
    {
      extra: { conflicts },
    },
  );
}

const notRefundable = (state: 'inProgress' | 'failed'): Problem =>
  state === 'inProgress'
    ? new Problem('in-progress', 'The order is being paid at this moment. Ask again when it is confirmed.', {
        retryAfterSeconds: 1,
      })
    : new Problem('not-refundable', 'The order has failed; nothing was charged for it.');
