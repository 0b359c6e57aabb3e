import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Attack, inShort } from './attack.ts';
import { framing } from './framing.ts';
import { pathsAndDoor } from './paths-and-door.ts';
import { converse } from './raw-socket.ts';
import { tokens } from './tokens.ts';
import { openWorld, type ServiceName, type World } from './world.ts';

/** The contract knows 503 besides; none of these is worth one. */
const SERVER_ERROR = 500;

let world: World;
let written: Record<string, string>;

beforeAll(async () => {
  world = await openWorld();
  await world.lookAfterHonestFans();
  written = await world.whatIsWritten();
});
afterAll(() => world?.stop());

const themes: Record<string, Attack[]> = {
  framing,
  'paths and the door': pathsAndDoor,
  tokens,
};

for (const [theme, attacks] of Object.entries(themes)) {
  describe(theme, () => {
    for (const attack of attacks)
      for (const [at, answers] of Object.entries(attack.answers) as [ServiceName, string[]][])
        test(`row ${attack.row}: ${attack.name}, at the ${at}: ${answers.join(', ') || 'no answer'}`, () =>
          withstand(attack, at, answers));
  });
}

async function withstand({ send, reaches = 0 }: Attack, at: ServiceName, expected: string[]): Promise<void> {
  world.proxy.take();
  const answers = await converse(world.portOf(at), send(world, at), expected.length);
  expect(answers.map(inShort)).toEqual(expected);
  for (const { status, headers, body } of answers) {
    expect(status).toBeLessThan(SERVER_ERROR);
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

test('row 17: nothing was fetched from where a token said', () => {
  expect(world.trap.asked()).toBe(0);
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
