import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayFixture } from '../../../gateway/testing/gateway-fixture.ts';
import { until } from '../../local/processes.mjs';
import { type Shop, startShop } from '../../testing/shop.ts';
import { ask, bearer } from '../http.ts';

const TIMEOUT_MS = 15_000;
const PUBLIC_URL = 'https://shop.example';
const DAY_MS = 24 * 3_600_000;
/** What a name would do to a page that did not escape it, and to all that stands behind it. */
const HOSTILE = `"><script>alert(1)</script><b style=x onclick=y>'{{7*7}}\${7}</title>\u202egro`;
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };
const FORM = 'application/x-www-form-urlencoded';

type Seen = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

let shop: Shop;
/** Pages and their forms, as the gateway's own router has them. */
let routes: { method: string; path: string }[];
const ids: Record<string, string> = {};
let codeSale: string;
/** Of every answer, whatever was asked. */
const cookiesSet: string[] = [];

/** A browser: its cookies. */
function createBrowser() {
  const jar = new Map<string, string>();
  const send = async (
    method: string,
    path: string,
    { form, headers = {} }: { form?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<Seen> => {
    const answer = await request(`${shop.gatewayUrls[0]}${path}`, {
      method: method as 'GET',
      headers: {
        accept: 'text/html',
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(method === 'POST' ? { 'content-type': FORM, ...SAME_ORIGIN } : {}),
        ...headers,
      },
      body: form === undefined ? null : new URLSearchParams(form).toString(),
    });
    const set = [answer.headers['set-cookie'] ?? []].flat();
    cookiesSet.push(...set);
    for (const cookie of set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      jar.set(name, value);
    }
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  };
  return { jar, send };
}
type FanBrowser = ReturnType<typeof createBrowser>;

async function enter(browser: FanBrowser, sale: string): Promise<void> {
  await browser.send('GET', `/sales/${sale}`);
  expect((await browser.send('POST', `/sales/${sale}/join`)).status).toBe(303);
  const isIn = async () =>
    (await browser.send('POST', `/sales/${sale}/claim`)).headers.location === `/sales/${sale}/seats`;
  expect(await until(isIn, TIMEOUT_MS)).toBe(true);
}

/** Holds a seat; the fields of the form that pays it. */
async function hold(browser: FanBrowser, sale: string, seat: string) {
  expect((await browser.send('POST', `/sales/${sale}/hold`, { form: { seat } })).status).toBe(303);
  const { body } = await browser.send('GET', `/sales/${sale}/seats`);
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(body)?.[1] ?? '';
  return { hold: field('hold'), key: field('key'), token: 'tok_ok' };
}

const buyer = new Map<'bought' | 'shopping', FanBrowser>();
let shoppingForm: Record<string, string>;

beforeAll(async () => {
  const fixture = await gatewayFixture();
  routes = fixture.app.routes
    .map(({ method, path }) => ({ method, path: path.replace(/(?<=.)\/$/, '') }))
    .filter(
      ({ method, path }) =>
        /^(GET|POST)$/.test(method) && !/^\/(api|internal|livez|readyz|\.well-known|openapi)/.test(path),
    );
  routes = [...new Map(routes.map((route) => [`${route.method} ${route.path}`, route])).values()];
  await fixture.close();
  shop = await startShop({ env: { PUBLIC_URL } });

  const organise = async (method: 'POST' | 'PATCH', path: string, json: object) => {
    const { status, body } = await ask(method, `${shop.gatewayUrls[0]}/api/organiser${path}`, {
      headers: bearer(shop.organiserKey),
      json,
    });
    expect([status, body]).toEqual([status < 300 ? status : 201, body]);
    return body as Record<string, string>;
  };
  const { event } = await organise('POST', '/events', {
    ...{ name: HOSTILE, venue: HOSTILE, timeZone: 'Europe/Berlin' },
    startsAt: new Date(Date.now() + 60 * DAY_MS).toISOString(),
    sections: [{ name: 'A', rows: 2, seatsPerRow: 10, price: { amount: 6_500, currency: 'EUR' } }],
  });
  ids.event = String(event);
  const open = {
    ...{ name: HOSTILE, capacity: 10, admitPerMinute: 6_000 },
    opensAt: new Date(Date.now() - 1_000).toISOString(),
  };
  ids.sale = String((await organise('POST', `/events/${event}/sales`, open)).sale);
  await organise('PATCH', `/sales/${ids.sale}`, { notice: HOSTILE, version: 1 });
  codeSale = String(
    (await organise('POST', `/events/${event}/sales`, { ...open, accessCodes: ['a-good-code'] })).sale,
  );

  const bought = createBrowser();
  await enter(bought, ids.sale);
  const paid = await bought.send('POST', `/sales/${ids.sale}/orders`, {
    form: { ...(await hold(bought, ids.sale, 'A-1-1')), name: HOSTILE, email: "o'x@example.org" },
  });
  ids.order = /\/orders\/([\w-]+)$/.exec(String(paid.headers.location))?.[1] ?? '';
  expect(ids.order).not.toBe('');
  // A mail that is being written begins with a dot.
  const written = async () =>
    (await readdir(join(shop.dataDir, 'mail')).catch(() => [])).find((name) => /^[\w-]+\.json$/.test(name));
  ids.mail = String(await until(written, TIMEOUT_MS)).replace('.json', '');

  const shopping = createBrowser();
  await enter(shopping, ids.sale);
  shoppingForm = { ...(await hold(shopping, ids.sale, 'A-1-2')), name: 'Eve', email: 'eve@example.org' };
  for (const browser of [bought, shopping])
    expect(
      (await browser.send('POST', '/organiser/sign-in', { form: { key: shop.organiserKey } })).status,
    ).toBe(303);
  buyer.set('bought', bought).set('shopping', shopping);
}, 120_000);
afterAll(() => shop?.stop());

/** The address of a route here. A route with a parameter that is not known here fails: add what it stands for. */
function addressOf(path: string): string {
  return path.replace(
    /:([a-z]+)/g,
    (_, name: string) => ids[name] ?? expect.fail(`what is :${name} in ${path}?`),
  );
}
const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const insideOf = (body: string, tag: string) =>
  [...body.matchAll(new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 'gs'))].map(
    ([, inside]) => inside as string,
  );

/** What is wrong with a page; nothing, for one that may be shown to anybody. */
function faultsOf({ headers, body }: Seen): string[] {
  const faults: string[] = [];
  const require = (isMet: boolean, what: string) => {
    if (!isMet) faults.push(what);
  };
  const policy = new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources.join(' ')];
      }),
  );
  const hashes = (tag: string) => insideOf(body, tag).map(sha256).join(' ') || "'none'";
  for (const name of ['default-src', 'frame-ancestors', 'base-uri'])
    require(policy.get(name) === "'none'", name);
  require(policy.get('script-src') === hashes('script'), 'script-src is not the hash of its script');
  require(policy.get('style-src') === hashes('style'), 'style-src is not the hashes of its styles');
  require(policy.get('form-action') === "'self'", 'form-action');
  require(headers['x-content-type-options'] === 'nosniff', 'nosniff');
  require(headers['referrer-policy'] === 'same-origin', 'referrer-policy');
  require(headers['cross-origin-opener-policy'] === 'same-origin', 'cross-origin-opener-policy');
  require(/camera=\(\)/.test(String(headers['permissions-policy'])), 'permissions-policy');
  const isPublic = /public/.test(String(headers['cache-control']));
  require(isPublic || headers['cache-control'] === 'no-store', 'cache-control');
  require(!(isPublic && headers['set-cookie']), 'a public page sets a cookie');

  const shown = body.replaceAll(/<(script|style)>.*?<\/\1>/gs, '');
  for (const [tag] of shown.matchAll(/<[a-z][^>]*>/g)) {
    const names = tag.replaceAll(/"[^"]*"/g, '""');
    require(!/\s(?:on\w+|style|srcdoc)\s*=/i.test(names), `a handler or style in ${tag}`);
    require(!/(?:href|src|action)="\s*(?:javascript|data:text)/i.test(tag), `a script in ${tag}`);
  }
  require(!shown.includes('<script>alert') && !shown.includes('<b style=x'), 'a name is not escaped');
  // A name that turns the direction of text turns none around it.
  for (const [, tag, text] of shown.matchAll(/(<\/?[a-z][^>]*>)([^<>]*\u202e)/g))
    require(/^<(?:bdi|title|option)\b|\sdir=/.test(tag as string), `a name beside other text: ${tag}${text}`);
  return faults;
}

const isPage = ({ headers }: Seen) => String(headers['content-type']).startsWith('text/html');

test('every page that there is, whoever looks, allows nothing but itself and shows no name as anything but text', async () => {
  const faults: Record<string, string[]> = {};
  let pages = 0;
  const visitors = {
    owner: buyer.get('bought') as FanBrowser,
    shopper: buyer.get('shopping') as FanBrowser,
    nobody: null,
  };
  for (const { method, path } of routes.filter((route) => route.method === 'GET')) {
    for (const [who, browser] of Object.entries(visitors)) {
      // A stream has no end to read to.
      if (path.endsWith('/stream')) continue;
      const seen = await (browser ?? createBrowser()).send(method, addressOf(path));
      const is = `${who}: ${path} ${seen.status}`;
      const found = isPage(seen) ? faultsOf(seen) : [];
      if (isPage(seen)) pages += 1;
      if (who === 'owner' && ![200, 303].includes(seen.status)) found.push('not seen by its owner');
      if (seen.headers['strict-transport-security'] === undefined) found.push('no HSTS');
      if (seen.headers['x-content-type-options'] !== 'nosniff') found.push('nosniff');
      if (found.length > 0) faults[is] = found;
    }
  }
  expect(faults).toEqual({});
  expect(pages).toBeGreaterThan(30);
});

test('pages that answer a form show what was written as text, problems too', async () => {
  const browser = buyer.get('shopping') as FanBrowser;
  const { sale, event } = ids;
  const answers: [string, string, Record<string, string>][] = [
    ['code', `/sales/${codeSale}/join`, { accessCode: HOSTILE }],
    ['pay', `/sales/${sale}/orders`, { ...shoppingForm, name: HOSTILE, email: HOSTILE }],
    ['hold', `/sales/${sale}/hold`, { seat: HOSTILE, section: HOSTILE, row: HOSTILE }],
    [
      'event',
      '/organiser/events/new',
      { name: HOSTILE, venue: HOSTILE, timeZone: HOSTILE, 'section-0-name': HOSTILE },
    ],
    [
      'sale',
      `/organiser/events/${event}/sales/new`,
      { name: HOSTILE, opensAt: HOSTILE, accessCodes: HOSTILE },
    ],
    ['seats', `/organiser/events/${event}/seats`, { seats: HOSTILE, reason: HOSTILE }],
    ['preview', `/organiser/sales/${sale}/notice`, { text: HOSTILE, look: 'preview' }],
    ['pause', `/organiser/sales/${sale}/pace`, { admitPerMinute: HOSTILE, capacity: HOSTILE }],
    ['close', `/organiser/sales/${sale}/close`, { saleName: `${HOSTILE}!`, reason: HOSTILE }],
    [
      'refund',
      `/organiser/sales/${sale}/orders`,
      { order: String(ids.order), reason: HOSTILE, find: HOSTILE },
    ],
  ];
  const faults: Record<string, unknown> = {};
  for (const [name, path, form] of answers) {
    const seen = await (name === 'code' ? createBrowser() : browser).send('POST', path, { form });
    const found = isPage(seen) ? faultsOf(seen) : [`no page but ${seen.status} ${seen.headers.location}`];
    if (found.length > 0) faults[name] = found;
  }
  const lost = await browser.send('GET', `/sales/${encodeURIComponent(HOSTILE)}`);
  if (faultsOf(lost).length > 0) faults.lost = faultsOf(lost);
  const found = await browser.send(
    'GET',
    `/organiser/sales/${sale}/orders?find=${encodeURIComponent(HOSTILE)}`,
  );
  if (faultsOf(found).length > 0) faults.found = faultsOf(found);
  expect(faults).toEqual({});
});

describe('a form that another site sends, with all of a browser’s cookies,', () => {
  const attacks: [string, Record<string, string>, number][] = [
    ['cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['same-site', { 'sec-fetch-site': 'same-site' }, 403],
    ['from elsewhere', { 'sec-fetch-site': '', origin: 'https://evil.example' }, 403],
    ['from nowhere', { 'sec-fetch-site': '', origin: 'null' }, 403],
    ['from this host without encryption', { 'sec-fetch-site': '', origin: 'http://shop.example' }, 403],
    ['as text', { 'content-type': 'text/plain' }, 415],
    ['as multipart', { 'content-type': 'multipart/form-data; boundary=x' }, 415],
    ['as JSON', { 'content-type': 'application/json' }, 415],
  ];

  /** All that such a form could change. */
  async function stateOf(browser: FanBrowser) {
    const sql = postgres(shop.databaseUrl, { max: 1 });
    const tables = [
      'event',
      'sale',
      'sale_change',
      'audit_entry',
      'hold',
      'ticket_order',
      'seat',
      'outbox_message',
    ];
    const rows: unknown[] = [];
    for (const table of tables)
      rows.push(
        await sql`select count(*), md5(string_agg(t::text, ',' order by t::text)) from ${sql(table)} t`,
      );
    await sql.end();
    const { state, queueNumber } = JSON.parse(
      (await browser.send('GET', `/api/sales/${ids.sale}/queue/me`)).body,
    );
    return { rows, state, queueNumber, cookies: [...browser.jar] };
  }

  test.each(attacks)('%s, is refused at every address, and changes nothing', async (_, headers, status) => {
    const browser = buyer.get('shopping') as FanBrowser;
    const before = await stateOf(browser);
    const named = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    const form = {
      ...shoppingForm,
      ...{
        seat: 'A-2-1',
        reason: 'r',
        sure: 'yes',
        order: String(ids.order),
        saleName: HOSTILE,
        seats: 'A-2-2',
      },
      ...{ text: 'x', key: 'a-key', message: 'm', look: 'without' },
    };
    const answers: Record<string, number> = {};
    const forms = routes.filter((route) => route.method === 'POST');
    for (const { method, path } of forms) {
      const sent: Record<string, string> = { ...SAME_ORIGIN, ...named };
      if (headers['sec-fetch-site'] === '') delete sent['sec-fetch-site'];
      const answer = await postAs(browser, method, addressOf(path), form, sent);
      if (answer !== status) answers[path] = answer;
    }
    expect([answers, forms.length > 15]).toEqual([{}, true]);
    expect(await stateOf(browser)).toEqual(before);
  });

  /** Exactly these headers: a browser that says nothing of where a request comes from says nothing. */
  async function postAs(
    { jar }: FanBrowser,
    method: string,
    path: string,
    form: Record<string, string>,
    headers: Record<string, string>,
  ): Promise<number> {
    const {
      statusCode,
      body,
      headers: told,
    } = await request(`${shop.gatewayUrls[0]}${path}`, {
      method: method as 'POST',
      headers: {
        'content-type': FORM,
        accept: 'text/html',
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...headers,
      },
      body: new URLSearchParams(form).toString(),
    });
    await body.dump();
    return told['set-cookie'] ? -1 : statusCode;
  }
});

test('a page that everybody may keep sets no cookie, whatever language is asked for; the one that remembers it is kept by nobody', async () => {
  const browser = createBrowser();
  const shared = ['/', `/events/${ids.event}`, `/sales/${ids.sale}`].map((path) => `${path}?lang=de`);
  const asked = [`/sales/${ids.sale}/place?lang=de`, ...shared, '/'];
  const told = [];
  for (const path of asked) {
    const { headers } = await browser.send('GET', path);
    told.push([/public/.test(String(headers['cache-control'])), headers['set-cookie'] !== undefined]);
  }
  expect(told).toEqual([[false, true], ...Array(4).fill([true, false])]);
});

test('mail, calendar and CSV carry names as text', async () => {
  const mail = JSON.parse(await readFile(join(shop.dataDir, 'mail', `${ids.mail}.json`), 'utf8'));
  expect(mail.html).not.toMatch(/<script|<b style/);
  expect(mail.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  for (const [, tag] of String(mail.html).matchAll(/(<[a-z][^>]*>)[^<>]*\u202e/g))
    expect(tag).toMatch(/^<(?:bdi|title)>/);
  const owner = buyer.get('bought') as FanBrowser;
  const calendar = await owner.send('GET', `/sales/${ids.sale}/orders/${ids.order}/calendar.ics`);
  expect(calendar.body.replaceAll('\r\n ', '')).toContain(`SUMMARY:${HOSTILE.replace('\u202e', '')}\r\n`);
  const csv = await owner.send('GET', `/organiser/sales/${ids.sale}/orders.csv`);
  expect(csv.headers['content-disposition']).toMatch(/^attachment/);
  expect(csv.body).toContain(`"${HOSTILE.replaceAll('"', '""')}"`);
});

test('every cookie is bound to this host, sent by no other site, and seen by no script', () => {
  expect(new Set(cookiesSet.map((cookie) => cookie.split(/[-=]/)[2]?.replace(/^/, ''))).size).toBeGreaterThan(
    1,
  );
  for (const cookie of cookiesSet) {
    expect(cookie).toMatch(/^__Host-[\w-]+=[^;]*; Path=\/; HttpOnly; SameSite=(?:Lax|Strict)/);
    expect(cookie).toMatch(/; Secure(?:;|$)/);
  }
});
