import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openFilesMax } from '#shared/open-files.ts';
import { bearer } from '../journeys/http.ts';
import { rawRequest } from '../testing/raw-request.ts';
import { type Attack, inShort } from './attack.ts';
import { browsers } from './browsers.ts';
import { framing } from './framing.ts';
import { pathsAndDoor } from './paths-and-door.ts';
import { converse, drip, readAnswers, sayNothing } from './raw-socket.ts';
import { slow, slowlyOpenedStream } from './slow.ts';
import { tokens } from './tokens.ts';
import { openWorld, type ServiceName, type World } from './world.ts';

/** The contract knows 503 besides; none of these is worth one. */
const SERVER_ERROR = 500;
const IDLE_CONNECTIONS = 10_000;
/** Of the handles that the system gives us, for everything else. */
const OTHER_HANDLES = 1_000;
/** Idle connections are ended after 8 s, slow requests after 9 s; everything else happens meanwhile. */
const SLOW_MS_MAX = 15_000;

let world: World;
let written: Record<string, string>;
let idle: Awaited<ReturnType<typeof sayNothing>>;
let told: Promise<string>[];
let streamed: Promise<string>;

beforeAll(async () => {
  world = await openWorld();
  await world.lookAfterHonestFans();
  written = await world.whatIsWritten();
  told = slow.map(({ at, bytes, piece }) => drip(world.portOf(at), bytes(world, at), piece));
  streamed = drip(world.portOf('gateway'), slowlyOpenedStream(world), 'a');
  idle = await sayNothing(
    world.portOf('gateway'),
    Math.min(IDLE_CONNECTIONS, (openFilesMax() ?? IDLE_CONNECTIONS + OTHER_HANDLES) - OTHER_HANDLES),
  );
});
afterAll(() => world?.stop());

const themes: Record<string, Attack[]> = {
  framing,
  'paths and the door': pathsAndDoor,
  tokens,
  browsers,
};

for (const [theme, attacks] of Object.entries(themes)) {
  describe(theme, () => {
    for (const attack of attacks)
      for (const [at, answers] of Object.entries(attack.answers) as [ServiceName, string[]][])
        test(`row ${attack.row}: ${attack.name}, at the ${at}: ${inFew(answers)}`, () =>
          withstand(attack, at, answers));
  });
}

async function withstand({ send, reaches = 0 }: Attack, at: ServiceName, expected: string[]): Promise<void> {
  world.proxy.take();
  const answers = await converse(world.portOf(at), send(world, at), expected.length);
  expect(answers.map(inShort)).toEqual(expected);
  for (const { status, headers, body } of answers) {
    expect(status).toBeLessThan(SERVER_ERROR);
    // Neither a link nor a leave for scripts of elsewhere, whatever host and origin were named.
    expect([...headers, body].join()).not.toMatch(/evil\.example|access-control-allow/);
    const isPage = headers.get('content-type')?.startsWith('text/html');
    if (status >= 400 && !isPage && body !== '')
      expect(headers.get('content-type')).toBe('application/problem+json');
  }
  expect(world.proxy.take()).toHaveLength(at === 'gateway' ? reaches : 0);
}

afterEach(async () => {
  const before = written;
  written = await world.whatIsWritten();
  expect(written).toEqual(before);
  await world.lookAfterHonestFans();
});

test('row 46: nothing that is one fan’s may be kept by a cache that others share', async () => {
  const { sale, attacker } = world;
  const ticket = bearer(attacker.queueTicket);
  const admission = bearer(attacker.admissionToken);
  const cookie = {
    cookie: `queue-${sale}=${attacker.queueTicket}; admission-${sale}=${attacker.admissionCookie}`,
  };
  const api = `/api/sales/${sale}`;
  const by = (holders: object[], ...asked: string[]) =>
    holders.flatMap((headers) => asked.map((each): [string, object] => [each, headers]));
  const asked = [
    ...by(
      [ticket, cookie, {}],
      `GET ${api}/queue/me?version=0`,
      `GET ${api}/queue/me`,
      `POST ${api}/queue/me/claim`,
    ),
    ...by([ticket], `POST ${api}/queue`),
    ...by(
      [admission, cookie, {}],
      `GET ${api}/seats`,
      `GET ${api}/holds`,
      `GET ${api}/orders`,
      `GET ${api}/orders/none`,
    ),
    ...by(
      [cookie, {}],
      `GET /sales/${sale}/place`,
      `GET /sales/${sale}/seats`,
      `GET /sales/${sale}/orders/none`,
    ),
  ];
  const kept: string[] = [];
  for (const [what, headers] of asked) {
    const [method = '', path = ''] = what.split(' ');
    const answer = await rawRequest(world.portOf('gateway'), path, { method, headers: { ...headers } });
    expect(answer.status, what).toBeLessThan(SERVER_ERROR);
    const cacheControl = answer.headers['cache-control'];
    // RFC 9110 §15.1: nobody keeps a 303 that does not ask for it.
    if (answer.status !== 303 && !/\b(?:no-store|private)\b/.test(cacheControl ?? ''))
      kept.push(`${what} ${answer.status}: ${cacheControl}`);
  }
  expect(kept).toEqual([]);
});

test('row 17: nothing was fetched from where a token said', () => {
  expect(world.trap.asked()).toBe(0);
});

describe('row 5: a request that comes a byte a second is told so and ended, and held nobody up', () => {
  for (const [index, { name, at }] of slow.entries())
    test(
      `${name}, at the ${at}: 408 request-timeout`,
      async () => {
        const answers = readAnswers((await told[index]) as string);
        expect(answers.map(inShort)).toEqual(['408 request-timeout']);
      },
      SLOW_MS_MAX,
    );

  test(
    'a stream whose request never ends: it ends, and no answer stands in it',
    async () => {
      expect((await streamed).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    },
    SLOW_MS_MAX,
  );
});

// Beyond what a process may have at once: shared/serve.test.ts.
test('row 47: ten thousand connections that say nothing are shed, and nobody was kept out by them', async () => {
  await expect.poll(idle.open, { timeout: SLOW_MS_MAX }).toBe(0);
});

test('no attack is worth an error in a log', () => {
  for (const name of ['gateway-1', 'booking'] as const) {
    const errors = world.shop
      .output(name)
      .split('\n')
      .filter((line) => /"level":[56]0/.test(line));
    expect(errors, name).toEqual([]);
  }
});

/** `20 × 401 token-invalid, 429 rate-limited` */
function inFew(answers: string[]): string {
  const counts = new Map<string, number>();
  if (answers.length <= 3) return answers.join(', ') || 'no answer';
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts].map(([answer, count]) => `${count} × ${answer}`).join(', ');
}
