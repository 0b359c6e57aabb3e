import { Hono } from 'hono';
import { BlockRequest, blockCommands } from '#shared/contract/organiser.ts';
import { validate } from '#shared/json-body.ts';
import { type FieldError, Problem } from '#shared/problem.ts';
import { requireId } from '../../organiser/answer.ts';
import { scripts } from '../browser-code.made.ts';
import { localeOf } from '../locale.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  problemWords,
  readConsoleForm,
} from './context.ts';
import {
  emptyEvent,
  eventRequestOf,
  listed,
  placeOfFault,
  readEventForm,
  type WrittenEvent,
} from './event-form.ts';
import { type BlockView, eventFormPage, eventPage, type Faults } from './event-page.ts';
import { consolePage } from './frame.ts';

const noFaults: Faults = new Set();
const quiet: BlockView = { seats: '', reason: '', faults: noFaults, told: null, refused: null };

/** Making an event, and what is done to its seats. */
export function eventFormRoutes({ shop, catalogue, events }: ConsoleDeps) {
  const app = new Hono<ConsoleEnv>();

  const showForm = (
    c: ConsoleContext,
    event: WrittenEvent,
    {
      faults = noFaults,
      refused = null,
      status = 200,
    }: { faults?: Faults; refused?: string | null; status?: Problem['status'] | 200 } = {},
  ) => {
    const locale = localeOf(c);
    return consolePage(c, {
      title: locale.texts.console.event.newTitle,
      body: eventFormPage({ event, faults, refused }, locale),
      script: scripts.console,
      status,
    });
  };

  app.get('/events/new', (c) => showForm(c, emptyEvent()));

  app.post('/events/new', async (c) => {
    const form = await readConsoleForm(c);
    const look = form.get('look');
    const event = readEventForm(form, look);
    if (look) return showForm(c, event);
    const made = await attempt(async () => catalogue.createEvent(eventRequestOf(event), c.get('organiser')));
    if (!(made instanceof Problem)) return c.redirect(`/organiser/events/${made.event}`, 303);
    const locale = localeOf(c);
    const errors = (made.extra.errors ?? []) as FieldError[];
    return showForm(c, event, {
      faults: new Set(errors.map(({ field }) => placeOfFault(field, event))),
      refused: made.code === 'invalid-field' ? locale.texts.console.event.fix : problemWords(made, locale),
      status: made.status,
    });
  });

  const showEvent = async (c: ConsoleContext, block: BlockView, status: Problem['status'] | 200 = 200) => {
    const locale = localeOf(c);
    const event = await events.event(requireId(c.req.param('event') as string));
    const snapshots = shop.watch.sales().map((sale) => shop.watch.remembered(sale));
    const sales = snapshots.filter((snapshot) => snapshot !== null);
    const own = sales.filter(({ definition }) => definition.event === event.event);
    const body = eventPage({ event, sales: own, block }, locale);
    return consolePage(c, { title: event.name, body, status });
  };

  app.get('/events/:event', (c) => showEvent(c, quiet));
  app.get('/events/:event/seats', (c) =>
    c.redirect(`/organiser/events/${requireId(c.req.param('event'))}`, 303),
  );

  app.post('/events/:event/seats', async (c) => {
    const event = requireId(c.req.param('event'));
    const form = await readConsoleForm(c);
    const locale = localeOf(c);
    const { event: words } = locale.texts.console;
    const [seats, reason] = [form.get('seats') ?? '', form.get('reason') ?? ''];
    const command = blockCommands.find((each) => each === form.get('command')) ?? 'block';
    const done = await attempt(async () => {
      const request = validate(BlockRequest, { event, seats: listed(seats), reason });
      return catalogue.block(command, request, c.get('organiser'));
    });
    if (done instanceof Problem) {
      const faults = new Set(
        ((done.extra.errors ?? []) as FieldError[]).map(({ field }) => field.split('.')[0] as string),
      );
      const refused = done.code === 'seats-taken' ? words.taken : problemWords(done, locale);
      return showEvent(c, { seats, reason, faults, told: null, refused }, done.status);
    }
    const changed = done.changed.join(', ');
    const told =
      changed === ''
        ? words.unchanged
        : command === 'block'
          ? words.blocked(changed)
          : words.unblocked(changed);
    return showEvent(c, { ...quiet, told });
  });

  return app;
}
