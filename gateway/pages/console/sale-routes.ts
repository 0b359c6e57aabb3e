import { Hono } from 'hono';
import type { EventAnswer } from '#shared/contract/event.ts';
import { type FieldError, Problem } from '#shared/problem.ts';
import { requireId } from '../../organiser/answer.ts';
import { makeSale } from '../../organiser/commands.ts';
import { localeOf } from '../locale.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  problemWords,
  readConsoleForm,
} from './context.ts';
import { consolePage } from './frame.ts';
import { emptySale, placeOfSaleFault, readSaleForm, saleRequestOf } from './sale-form.ts';
import { type SaleFormView, saleFormPage } from './sale-form-page.ts';

/** Making a sales window of an event. */
export function saleFormRoutes({ shop, catalogue, events }: ConsoleDeps) {
  const app = new Hono<ConsoleEnv>();

  const show = (
    c: ConsoleContext,
    event: EventAnswer,
    view: Omit<SaleFormView, 'event'>,
    status: Problem['status'] | 200 = 200,
  ) => {
    const locale = localeOf(c);
    const body = saleFormPage({ event, ...view }, locale);
    return consolePage(c, { title: locale.texts.console.saleForm.title, body, status });
  };

  app.get('/events/:event/sales/new', async (c) => {
    const event = await events.event(requireId(c.req.param('event')));
    return show(c, event, { sale: emptySale(), faults: new Set(), refused: null });
  });

  app.post('/events/:event/sales/new', async (c) => {
    const event = await events.event(requireId(c.req.param('event')));
    const sale = readSaleForm(await readConsoleForm(c));
    const made = await attempt(async () =>
      makeSale(shop, catalogue, event.event, saleRequestOf(sale, event.timeZone), c.get('organiser')),
    );
    if (!(made instanceof Problem)) return c.redirect(`/organiser/sales/${made.sale}`, 303);
    const locale = localeOf(c);
    const faults = new Set(
      ((made.extra.errors ?? []) as FieldError[]).map(({ field }) => placeOfSaleFault(field)),
    );
    const refused =
      made.code === 'invalid-field' ? locale.texts.console.saleForm.fix : problemWords(made, locale);
    return show(c, event, { sale, faults, refused }, made.status);
  });

  return app;
}
