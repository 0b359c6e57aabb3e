import { expect, test } from 'vitest';
import type { SaleAnswer } from '#shared/contract/sale.ts';
import type { DrawFacts } from '../lobby/published.ts';
import { drawPage } from './draw-page.ts';
import { locales } from './locale.ts';

const opensAt = '2026-06-01T10:00:00.000Z';
const beaconSource = {
  name: 'the lottery’s bonus number',
  rule: 'its digits',
  from: '2026-06-01T10:01:00.000Z',
  url: null,
  field: null,
};
const waiting: DrawFacts = {
  sale: 'a-sale',
  state: 'awaitingBeacon',
  commitment: 'c0'.repeat(32),
  recommittedAt: null,
  closedAgain: false,
  digest: 'd1'.repeat(32),
  seed: null,
  beaconSource,
  beacon: null,
  withoutBeacon: null,
  entries: 1,
  frozenAt: opensAt,
  digestAt: '2026-06-01T10:00:59.999Z',
  beaconAt: null,
  drawnAt: null,
};

/** The page as a person reads it. */
async function textOf(draw: DrawFacts, state: SaleAnswer['state'] = 'open'): Promise<string> {
  const event = { name: 'Nora & the Night Trains', timeZone: 'Europe/Berlin' };
  const sale = { sale: 'a-sale', name: 'Presale', state, opensAt, event } as SaleAnswer;
  const page = String(await drawPage({ sale, draw, ticket: null, locale: locales.en }));
  return page
    .replaceAll(/<\/?bdi>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

test('a draw that waits promises its value only where the lobby’s fingerprint stood before it could be known', async () => {
  const inTime = await textOf(waiting);
  expect(inTime).toContain('The order is drawn as soon as “the lottery’s bonus number” is known');
  expect(inTime).toContain('One fan is in the lobby');
  const late = await textOf({ ...waiting, digestAt: beaconSource.from });
  expect(late).toContain('The organiser has to draw without it, and to say why');
  expect(late).not.toContain('is drawn as soon as');
});

test('a public value that was not used is said to decide nothing, and why it was not', async () => {
  const reason = 'The lottery was cancelled.';
  const drawn = { ...waiting, state: 'drawn', seed: '5e'.repeat(32), drawnAt: opensAt } as const;
  const without = await textOf({ ...drawn, withoutBeacon: { reason, at: opensAt } });
  expect(without).toContain('Seed and list alone decide');
  expect(without).not.toContain('then the public value');
  expect(without).toContain(reason);
  const used = await textOf({ ...drawn, beacon: '17', beaconAt: opensAt });
  expect(used).toContain('then the public value as it stands here');
  expect(used).toContain('is the one “the lottery’s bonus number” has: look it up there');
});

test('a commitment that is younger than the lobby is never said to have been there before it', async () => {
  expect(await textOf(waiting)).toContain('there before the lobby opened');
  const text = await textOf({ ...waiting, recommittedAt: opensAt });
  expect(text).toContain('This shop lost data after the lobby had opened');
  expect(text).not.toMatch(/there before the lobby opened|Before the lobby opens/);
});

test('a draw that cannot be proven any more promises nothing, and is not being written', async () => {
  const text = await textOf({ ...waiting, state: 'unproven', drawnAt: opensAt });
  expect(text).toContain('This draw cannot be proven');
  expect(text).toContain('not published: this draw was lost');
  expect(text).not.toMatch(
    /in these seconds|can compute it again|The order is drawn|What this does not prove/,
  );
});

test('a lobby that was closed once more is said to have been', async () => {
  const drawn = {
    ...waiting,
    state: 'drawn',
    beacon: '17',
    seed: '5e'.repeat(32),
    drawnAt: opensAt,
  } as const;
  const again = 'closed it once more with those who came back';
  expect(await textOf({ ...drawn, closedAgain: true })).toContain(again);
  expect(await textOf(drawn)).not.toContain(again);
});

test('a sale that was closed before it opened promises nothing', async () => {
  const committed = { ...waiting, state: 'committed', digest: null, digestAt: null, entries: null } as const;
  expect(await textOf(committed, 'lobby')).toContain('The draw is held when the sale opens');
  const closed = await textOf(committed, 'closed');
  expect(closed).toContain('The sale was closed before it opened');
  expect(closed).not.toMatch(/is held when|at the opening <|after the draw|not known yet|does not prove/);
});
