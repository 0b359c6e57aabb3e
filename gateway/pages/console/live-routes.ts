import { Hono } from 'hono';
import { PageQuery } from '#shared/contract/organiser.ts';
import {
  BeaconRequest,
  CommandRequest,
  SalePatch,
  saleCommands,
  WithoutBeaconRequest,
} from '#shared/contract/sale.ts';
import { validate } from '#shared/json-body.ts';
import { type FieldError, Problem } from '#shared/problem.ts';
import { requireId } from '../../organiser/answer.ts';
import { readAudit } from '../../organiser/audit.ts';
import { commandSale, organiserSale, patchSale } from '../../organiser/commands.ts';
import { giveBeacon } from '../../organiser/draw-commands.ts';
import { statsRoutes } from '../../organiser/stats-routes.ts';
import { scripts } from '../browser-code.made.ts';
import { localeOf } from '../locale.ts';
import { auditPage } from './audit-page.ts';
import {
  attempt,
  type ConsoleContext,
  type ConsoleDeps,
  type ConsoleEnv,
  factsOf,
  problemWords,
  readConsoleForm,
  wholeNumber,
  written,
} from './context.ts';
import { asksForName, type Control, controls, type Refused } from './controls.ts';
import { consolePage } from './frame.ts';
import { livePage } from './live-page.ts';

const REFRESH_SECONDS = 5;
/** What was done lately stands beside the controls; the rest is a page away. */
const ACTS_SHOWN = 10;
const ACTS_PER_PAGE = 100;

/** A sale while it runs: its figures, its controls, and what was done. */
export function liveRoutes(deps: ConsoleDeps) {
  const { shop, catalogue, stats } = deps;
  const app = new Hono<ConsoleEnv>();

  const show = async (
    c: ConsoleContext,
    failed: { refused?: Refused; preview?: string; status?: Problem['status'] | 200 } = {},
  ) => {
    const locale = localeOf(c);
    const id = requireId(c.req.param('sale') as string);
    const { refused = null, preview = null, status = 200 } = failed;
    const snapshot = await shop.watch.renew(id);
    const sale = organiserSale(snapshot);
    const [event, figures, audit] = await Promise.all([
      factsOf(deps, sale.event),
      attempt(() => stats.read(id)),
      attempt(() => readAudit(shop, catalogue, id, validate(PageQuery, { limit: ACTS_SHOWN }))),
    ]);
    const done = wholeNumber(c.req.query('done'));
    const entries = audit instanceof Problem ? [] : audit.entries;
    const refreshes = c.req.query('refresh') !== 'off' && !refused && preview === null;
    return consolePage(c, {
      title: sale.name,
      body: livePage(
        {
          ...{ sale, now: snapshot.asOf, refused, preview, event, refreshes },
          stats: figures instanceof Problem ? null : figures,
          audit: audit instanceof Problem ? null : audit,
          done: done ? { entry: entries.find(({ version }) => version === done) ?? null } : null,
        },
        locale,
      ),
      script: scripts.console,
      refreshSeconds: refreshes ? REFRESH_SECONDS : undefined,
      status,
    });
  };

  /** The same page again, with what was wrong beside what was written. */
  const refuse = (
    c: ConsoleContext,
    control: Control,
    form: URLSearchParams,
    why: { words: string; field?: string; keeps?: boolean; status?: Problem['status'] },
  ) => {
    const { words, field, keeps = true, status = 422 } = why;
    const typed = keeps ? Object.fromEntries(form) : {};
    return show(c, { refused: { control, words, typed, ...(field ? { field } : {}) }, status });
  };

  const refuseProblem = (c: ConsoleContext, control: Control, form: URLSearchParams, problem: Problem) => {
    const [fault] = (problem.extra.errors ?? []) as FieldError[];
    const locale = localeOf(c);
    const { pace, notice } = locale.texts.console.controls;
    const hints: Record<string, string> = {
      admitPerMinute: pace.rateHint,
      capacity: pace.capacityHint,
      notice: notice.hint,
      reason: locale.texts.console.event.reasonHint,
      value: locale.texts.console.controls.beacon.valueHint,
    };
    const hint = fault && hints[fault.field];
    return hint && fault
      ? refuse(c, control, form, { words: hint, field: fault.field === 'notice' ? 'text' : fault.field })
      : refuse(c, control, form, { words: problemWords(problem, locale), status: problem.status });
  };

  const finish = (c: ConsoleContext, sale: string, version: number) =>
    c.redirect(`/organiser/sales/${sale}?done=${version}`, 303);

  app.get('/sales/:sale', (c) => show(c));

  // The API's own, for whoever brings a session instead of a key.
  app.route('/', statsRoutes(deps));

  for (const command of saleCommands) {
    app.post(`/sales/:sale/${command}`, async (c) => {
      const sale = requireId(c.req.param('sale'));
      const form = await readConsoleForm(c);
      const now = organiserSale(await shop.watch.renew(sale));
      if (asksForName(command, now) && written(form, 'saleName') !== now.name) {
        const { wrongName } = localeOf(c).texts.console.controls;
        return refuse(c, command, form, { words: wrongName, field: 'saleName' });
      }
      const done = await attempt(async () => {
        const { reason = null } = validate(CommandRequest, { reason: written(form, 'reason') });
        return commandSale(shop, sale, command, { by: c.get('organiser'), reason });
      });
      return done instanceof Problem ? refuseProblem(c, command, form, done) : finish(c, sale, done.version);
    });
  }

  app.post('/sales/:sale/pace', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const form = await readConsoleForm(c);
    const [rate, capacity] = [written(form, 'admitPerMinute'), written(form, 'capacity')];
    const done = await attempt(() => {
      const wanted = { admitPerMinute: wholeNumber(rate), capacity: wholeNumber(capacity) };
      const patch = validate(SalePatch, { ...wanted, version: wholeNumber(written(form, 'version')) });
      return patchSale(shop, sale, patch, c.get('organiser'));
    });
    if (!(done instanceof Problem)) return finish(c, sale, done.version);
    if (done.code !== 'version-conflict') return refuseProblem(c, 'pace', form, done);
    const locale = localeOf(c);
    const { definition } = await shop.watch.renew(sale);
    const words = locale.texts.console.controls.pace.conflict(
      { rate: locale.number(Number(rate)), capacity: locale.number(Number(capacity)) },
      { rate: locale.number(definition.admitPerMinute), capacity: locale.number(definition.capacity) },
    );
    return refuse(c, 'pace', form, { words, keeps: false, status: done.status });
  });

  app.post('/sales/:sale/notice', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const form = await readConsoleForm(c);
    const look = form.get('look');
    // A message is one line to the queue's page; what a person breaks for the eye goes on after a blank.
    const text = written(form, 'text')?.replace(/\s+/g, ' ');
    const { notice } = localeOf(c).texts.console.controls;
    if (look === 'preview' && text) return show(c, { preview: text });
    const done = await attempt(() => {
      const version = wholeNumber(written(form, 'version'));
      const patch = validate(SalePatch, { notice: look === 'takeBack' ? null : (text ?? ''), version });
      return patchSale(shop, sale, patch, c.get('organiser'));
    });
    if (!(done instanceof Problem)) return finish(c, sale, done.version);
    if (done.code === 'version-conflict')
      return refuse(c, 'notice', form, { words: notice.conflict, status: done.status });
    return refuseProblem(c, 'notice', form, done);
  });

  app.post('/sales/:sale/beacon', async (c) => {
    const sale = requireId(c.req.param('sale'));
    const form = await readConsoleForm(c);
    const [reason, value] = [written(form, 'reason'), written(form, 'value')];
    const done = await attempt(() => {
      const by = c.get('organiser');
      if (form.get('look') === 'without') {
        const given = validate(WithoutBeaconRequest, { reason: reason ?? '' });
        return giveBeacon(shop, sale, { without: given.reason }, { by, reason: given.reason });
      }
      const given = validate(BeaconRequest, { value: value ?? '', reason });
      return giveBeacon(shop, sale, { value: given.value }, { by, reason: given.reason ?? null });
    });
    return done instanceof Problem ? refuseProblem(c, 'beacon', form, done) : finish(c, sale, done.version);
  });

  // Whoever changes the language on a page that answers a form comes here by its address.
  for (const control of controls)
    app.get(`/sales/:sale/${control}`, (c) =>
      c.redirect(`/organiser/sales/${requireId(c.req.param('sale'))}`, 303),
    );

  app.get('/sales/:sale/audit', async (c) => {
    const locale = localeOf(c);
    const id = requireId(c.req.param('sale'));
    const { definition } = await shop.watch.renew(id);
    const event = await factsOf(deps, definition.event);
    const query = validate(PageQuery, { limit: ACTS_PER_PAGE, after: c.req.query('after') });
    const audit = await readAudit(shop, catalogue, id, query);
    return consolePage(c, {
      title: locale.texts.console.audit.title,
      body: auditPage({ sale: definition, audit, timeZone: event?.timeZone ?? 'UTC' }, locale),
    });
  });

  return app;
}
