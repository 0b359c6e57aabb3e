import { type Context, Hono } from 'hono';
import {
  BLOCK_BYTES_MAX,
  BlockRequest,
  blockCommands,
  OrderListQuery,
  PageQuery,
  RefundRequest,
  ResendRequest,
} from '#shared/contract/organiser.ts';
import { readJson, validate } from '#shared/json-body.ts';
import type { BookingCatalogue } from '../booking/catalogue.ts';
import { answer, type OrganiserEnv, requireId } from './answer.ts';
import { readAudit } from './audit.ts';
import type { Shop } from './commands.ts';
import { CSV_PAGE_ORDERS, ordersCsv } from './orders-csv.ts';

/** All orders of a sale as a file. */
export async function csvAnswer(c: Context, catalogue: BookingCatalogue, sale: string): Promise<Response> {
  const csv = await ordersCsv((after) => catalogue.orders(sale, { limit: CSV_PAGE_ORDERS, after }));
  c.header('content-type', 'text/csv; charset=utf-8; header=present');
  c.header('content-disposition', `attachment; filename="orders-${sale}.csv"`);
  c.header('cache-control', 'no-store');
  return c.body(csv as ReadableStream);
}

/** What organisers read and do on the booking's side: orders, seats, refunds, mail, and who did what. */
export function organiserBookingRoutes({ shop, catalogue }: { shop: Shop; catalogue: BookingCatalogue }) {
  const app = new Hono<OrganiserEnv>();

  app.get('/sales/:sale/orders', async (c) => {
    const sale = requireId(c.req.param('sale'));
    return answer(c, await catalogue.orders(sale, validate(OrderListQuery, c.req.query())));
  });

  app.get('/sales/:sale/orders.csv', (c) => csvAnswer(c, catalogue, requireId(c.req.param('sale'))));

  app.get('/sales/:sale/audit', async (c) => {
    const sale = requireId(c.req.param('sale'));
    return answer(c, await readAudit(shop, catalogue, sale, validate(PageQuery, c.req.query())));
  });

  for (const command of blockCommands) {
    app.post(`/seats/${command}`, async (c) => {
      const request = await readJson(c, BlockRequest, BLOCK_BYTES_MAX);
      return answer(c, await catalogue.block(command, request, c.get('organiser')));
    });
  }

  app.post('/orders/:order/refund', async (c) => {
    const order = requireId(c.req.param('order'));
    const request = await readJson(c, RefundRequest);
    return answer(c, await catalogue.refund(order, request, c.get('organiser')));
  });

  app.get('/mail/dead', async (c) =>
    answer(c, await catalogue.deadLetters(validate(PageQuery, c.req.query()))),
  );

  app.post('/mail/:message/resend', async (c) => {
    const message = requireId(c.req.param('message'));
    const request = await readJson(c, ResendRequest);
    return answer(c, await catalogue.resend(message, request, c.get('organiser')));
  });

  return app;
}
