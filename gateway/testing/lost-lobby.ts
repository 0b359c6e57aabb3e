import type { DrawAnswer } from '#shared/contract/queue.ts';
import { type SaleDefinition, SaleSettings } from '#shared/contract/sale.ts';
import { judgeWithWitness } from '../../infra/verify/draw/judge.ts';
import { createDrawing } from '../lobby/draw.ts';
import { freezeLobby } from '../lobby/freeze.ts';
import { publishDraws } from '../lobby/published.ts';
import { changeSale, markSaved, putSale } from '../sale/live-sale.ts';
import { joinMany, RECOVERY_SECONDS } from './losing-redis.ts';
import { definitionAt, type QueueFixture } from './queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from './queue-gateway.ts';

export const LOBBY_SECONDS = 100;

export type LobbySale = { sale: string; definition: SaleDefinition; gateway: QueueGateway; fans: TestFan[] };

/** A sale whose lobby is open for LOBBY_SECONDS more, with fans in it. */
export async function lobbySale(
  f: QueueFixture,
  size: number,
  settings: Partial<SaleDefinition> = {},
  openGateway = queueGateway,
): Promise<LobbySale> {
  const definition = {
    ...definitionAt(f.now()),
    opensAt: new Date(f.now() + LOBBY_SECONDS * 1000).toISOString(),
    lobbyOpensAt: new Date(f.now() - 60_000).toISOString(),
    ...settings,
  };
  const { sale } = definition;
  await putSale(f.store, definition);
  const gateway = await openGateway(f.store);
  await gateway.queue.watch.renew(sale);
  return { sale, definition, gateway, fans: await joinMany(gateway, sale, size) };
}

/** A value that is known so many seconds from now on. */
export const beaconIn = (f: QueueFixture, seconds: number): SaleDefinition['beacon'] => ({
  name: 'b',
  rule: 'r',
  from: new Date(f.now() + seconds * 1000).toISOString(),
  url: null,
  field: null,
});

export async function giveBeacon(
  f: QueueFixture,
  definition: SaleDefinition,
  beacon: { value: string } | { without: string },
  { isDurable = true } = {},
): Promise<SaleDefinition> {
  const at = new Date(f.now()).toISOString();
  const given = { ...definition, version: definition.version + 1, beaconGiven: { ...beacon, at } };
  const [settings, before] = [SaleSettings.parse(given), SaleSettings.parse(definition)];
  const { version } = given;
  const change = { version, at, by: 'o', action: 'giveBeacon', reason: null, settings, before } as const;
  await changeSale(f.store, given, change, { reopens: false });
  if (isDurable) await markSaved(f.store, given.sale, [change]);
  return given;
}

/** A gateway that knows nothing of who was in a frozen lobby. */
export const forgetfulGateway = (f: QueueFixture): Promise<QueueGateway> =>
  queueGateway(f.store, null, 'forgetful', { ...createDrawing(f.store), frozenLobby: async () => null });

/** The sale opens, and its lobby is frozen. */
export async function openLobby(f: QueueFixture, sale: string): Promise<void> {
  f.pass(LOBBY_SECONDS);
  await freezeLobby(f.store, sale);
}

export async function lookTwice(gateway: QueueGateway, sale: string): Promise<void> {
  await gateway.look(sale);
  await gateway.look(sale);
}

export async function pollAll(gateway: QueueGateway, fans: TestFan[]): Promise<void> {
  for (const fan of fans) await gateway.poll(fan);
}

/** To the end of a recovery, and what is done right after it. */
export async function recover(f: QueueFixture, gateway: QueueGateway, sale: string): Promise<void> {
  for (const seconds of [RECOVERY_SECONDS, 10]) {
    f.pass(seconds);
    await gateway.look(sale);
    await freezeLobby(f.store, sale);
    await f.draw(sale);
    await gateway.look(sale);
  }
}

export async function publishedDraw(f: QueueFixture, sale: string): Promise<DrawAnswer> {
  const { body } = await publishDraws(f.store).answer(sale);
  return JSON.parse(Buffer.from(body).toString()) as DrawAnswer;
}

/** What `npm run verify-draw` says of a published draw, of one kind. */
export async function saidOf(draw: DrawAnswer, kind: 'proven' | 'broken' | 'open'): Promise<string[]> {
  const said: string[] = [];
  const steps = judgeWithWitness(draw, { sale: draw.sale, beacon: draw.beacon });
  for await (const step of steps) if (step.kind === kind) said.push(step.text);
  return said;
}
