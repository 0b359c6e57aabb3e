import { expect } from 'vitest';
import type { SaleDefinition } from '#shared/contract/sale.ts';
import type { QueueCheckName } from '../../infra/verify/queue/checks.ts';
import { judgeQueue } from '../../infra/verify/queue/judge.ts';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { giveTurns } from '../admission/turn-giver.ts';
import { digestOfCode } from '../queue/access-code.ts';
import { saleKey } from '../redis/keys.ts';
import { putSale } from '../sale/live-sale.ts';
import type { QueueFixture } from './queue-fixture.ts';
import { type QueueGateway, queueGateway, type TestFan } from './queue-gateway.ts';

/** Longer than a recovery of a sale with graceSeconds 900. */
export const RECOVERY_SECONDS = 75;

/** By then whatever became of an admission has been brought back, and one that nobody remembers is taken on its token's word. */
export const READMIT_SECONDS = 2;

export type Saved = { key: string; value: Buffer }[];

/** All that Redis has of a sale at this moment, for it to go back to. */
export async function saveQueue(f: QueueFixture, sale: string): Promise<Saved> {
  const saved: Saved = [];
  for (const key of await f.keysOf(sale)) {
    const value = await f.redis.dumpBuffer(key);
    if (value) saved.push({ key, value });
  }
  return saved;
}

/** Redis has started again with what it had then. All at once: gateways go on looking meanwhile. */
export async function goBack(f: QueueFixture, sale: string, saved: Saved): Promise<void> {
  const swap = f.redis.multi();
  for (const key of await f.keysOf(sale)) swap.del(key);
  for (const { key, value } of saved) swap.restore(key, 0, value, 'REPLACE');
  swap.hset(saleKey(sale, 'queue'), 'runId', 'before');
  await swap.exec();
}

/** Another Redis goes on with what it has, and gives nothing before gateways have compared. */
export async function takeOver(f: QueueFixture, sale: string, saved: Saved): Promise<void> {
  await goBack(f, sale, saved);
  expect(await giveTurns(f.store, sale)).toBe(0);
}

/** From the first look after a loss to the end of the recovery that it begins, in which all that is remembered is brought back. */
export async function recoverQueue(
  f: QueueFixture,
  gateway: QueueGateway,
  sale: string,
  epoch = 2,
): Promise<void> {
  await gateway.look(sale);
  expect(gateway.queue.watch.remembered(sale)).toMatchObject({ epoch, recovering: true });
  await gateway.look(sale);
  f.pass(RECOVERY_SECONDS);
  await gateway.look(sale);
}

/** A gateway that looks at a new sale only when it is told to: what happens between is in no snapshot. */
export async function seldomLooking(
  f: QueueFixture,
  settings: Parameters<QueueFixture['sale']>[0],
): Promise<{ sale: string; gateway: QueueGateway }> {
  const sale = await f.sale(settings);
  const gateway = await queueGateway(f.store);
  await gateway.look(sale);
  await gateway.queue.watch.stop();
  return { sale, gateway };
}

/** Everything is gone, and the sale is put back as those who keep sales in step do it. */
export async function loseEverything(f: QueueFixture, definition: SaleDefinition, codes: string[] = []) {
  await f.empty();
  await putSale(f.store, definition, codes);
}

/** What `npm run verify` finds wrong with a queue, but for what is excused. */
export async function faultsOf(
  f: QueueFixture,
  sale: string,
  excused: QueueCheckName[] = [],
): Promise<string[]> {
  const reader = queueReader(f.redis, sale, () => f.now());
  const verdict = await judgeQueue(reader, { patienceMs: 0, capacityInForce: ({ capacity }) => capacity });
  const findings = [...(verdict?.findings ?? [])].filter(([check]) => !excused.includes(check));
  return findings.flatMap(([, found]) => found).map(({ text }) => text);
}

export async function joinMany(gateway: QueueGateway, sale: string, count: number): Promise<TestFan[]> {
  const fans = [];
  for (let i = 1; i <= count; i += 1) fans.push(await gateway.join(sale, `fan-${i}`));
  return fans;
}

/** Whose places occupy a use of an access code; as many as it counts. */
export async function holdersOf(f: QueueFixture, sale: string, code: string): Promise<string[]> {
  const digest = digestOfCode(sale, code);
  const entries = await f.redis.hgetall(saleKey(sale, 'code-of'));
  const holders = Object.keys(entries).filter((entry) => entries[entry] === digest);
  expect(Number(await f.redis.hget(saleKey(sale, 'codes'), digest))).toBe(holders.length);
  return holders.sort();
}
