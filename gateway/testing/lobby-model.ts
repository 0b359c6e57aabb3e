import { expect } from 'vitest';
import type { DrawAnswer } from '#shared/contract/queue.ts';
import { Problem } from '#shared/problem.ts';
import { judgeWithWitness } from '../../infra/verify/draw/judge.ts';
import type { QueueCheckName } from '../../infra/verify/queue/checks.ts';
import { queueReader } from '../../infra/verify/queue/read.ts';
import { publishDraws } from '../lobby/published.ts';
import { saleKey } from '../redis/keys.ts';
import { faultsOf } from './losing-redis.ts';
import type { QueueFixture } from './queue-fixture.ts';
import type { QueueGateway, TestFan } from './queue-gateway.ts';

const UNDER_WAY = ['frozen', 'awaitingBeacon', 'drawing'];

/** What the model knows of one fan. */
export type Known = TestFan & {
  over: 'left' | 'finished' | null;
  /** The queue number that the fan has been told. */
  told: number | null;
  /** The best position that was shown. */
  best: number;
  /** Did not show up after a loss that took what nobody remembers: the place may be gone, and its number another's. */
  isDoubtful: boolean;
  /** Was told to get the next free turn. */
  hasReturned: boolean;
  admission: { token: string; expiresAt: number } | null;
};

/**
 * What must be true of a sale with a lobby through every loss of Redis, kept apart from what is under test: whose each number
 * is, the best position that was shown, and what was published of the draw.
 */
export async function lobbyModel(f: QueueFixture, sale: string) {
  const fans = new Map<number, Known>();
  const numbers = new Map<number, number>();
  const published = async (): Promise<DrawAnswer> => {
    const { body } = await publishDraws(f.store).answer(sale);
    return JSON.parse(Buffer.from(body).toString()) as DrawAnswer;
  };
  const noted = {
    commitment: (await published()).commitment,
    digest: null as string | null,
    proof: null as DrawAnswer | null,
  };
  const release = (fan: number) => {
    const known = fans.get(fan);
    if (!known || known.told === null) return;
    if (numbers.get(known.told) === fan) numbers.delete(known.told);
    known.told = null;
  };
  const forget = (fan: number) => {
    release(fan);
    fans.delete(fan);
  };
  /** A number is one fan's for good, through every loss. */
  const own = (fan: number, known: Known) => {
    const number = known.ticket.queueNumber;
    if (known.isDoubtful && known.told !== number) release(fan);
    if (known.told !== null) expect(number, `the number of fan ${fan}`).toBe(known.told);
    if (number === null) return;
    const owner = numbers.get(number);
    if (owner !== undefined && owner !== fan && fans.get(owner)?.isDoubtful) forget(owner);
    expect(numbers.get(number) ?? fan, `who has number ${number}`).toBe(fan);
    numbers.set(number, fan);
    known.told = number;
  };

  /** Whether the draw that gave a fan's number is under way once more, and has not come to it yet. */
  const isWrittenAgain = async ({ told }: Known): Promise<boolean> => {
    const [state, placed] = await f.redis.hmget(saleKey(sale, 'draw'), 'state', 'placed');
    return told !== null && UNDER_WAY.includes(String(state)) && told > Number(placed);
  };

  /** `isEarly`: nobody has said yet, after a loss, what had become of a fan for whom it was over. */
  const poll = async (gateway: QueueGateway, fan: number, isEarly = false) => {
    const known = fans.get(fan) as Known;
    // What was done to it behind the gateway's back is known there within a moment.
    await gateway.queue.watch.renew(sale);
    const status = await gateway.poll(known).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      return error;
    });
    if (status instanceof Problem) {
      expect(known.isDoubtful, `fan ${fan} is told ${status.code}`).toBe(true);
      expect(status.code).toBe('token-invalid');
      forget(fan);
      return null;
    }
    own(fan, known);
    known.hasReturned ||= status.returning;
    if (!known.isDoubtful && !known.over) {
      // A turn is missed for good after the next one only, and an admission ends that was one.
      if (status.state === 'missed') expect(known.hasReturned, `fan ${fan} missed a turn`).toBe(true);
      if (status.state === 'expired') expect(known.admission !== null || model.isPartial).toBe(true);
    }
    const live = ['lobby', 'waiting', 'ready', 'admitted', 'missed', 'expired'];
    if (known.isDoubtful) {
      known.over = status.state === 'left' || status.state === 'finished' ? status.state : null;
      // While a draw is written nobody can say that a number in it is not the fan's.
      const isKept = status.state === 'waiting' && status.position === null;
      // The fan's own ticket may have shown the loss: what is said of it then is not the last word.
      const { recovering } = await gateway.queue.watch.renew(sale);
      if (!recovering && !isKept) known.isDoubtful = false;
      known.best = Number.POSITIVE_INFINITY;
    } else if (known.over && isEarly) {
      return status;
    } else if (known.over === 'left' && status.state === 'waiting' && (await isWrittenAgain(known))) {
      // A number from before a loss, and who left the lobby since: told when the number is there again.
      return status;
    } else if (known.over) expect(status.state, `fan ${fan}`).toBe(known.over);
    else expect(live, `fan ${fan}`).toContain(status.state);
    if (status.position === null) return status;
    expect(status.position, `the position of fan ${fan}`).toBeLessThanOrEqual(known.best);
    known.best = status.position;
    return status;
  };

  /** What is published of a draw that is over proves itself, for good, and says what the fans' tickets say. */
  const judgeProof = async () => {
    const proof = await published();
    if (!model.isPartial) expect(proof.commitment).toBe(noted.commitment);
    if (!model.isPartial && noted.digest !== null) expect(proof.digest).toBe(noted.digest);
    noted.digest = proof.digest;
    if (proof.state !== 'drawn') {
      if (!model.isPartial) expect(noted.proof).toBeNull();
      return;
    }
    const steps = judgeWithWitness(proof, { sale, beacon: proof.beacon });
    for await (const { kind, text } of steps) expect(kind === 'broken' ? text : '').toBe('');
    if (noted.proof && !model.isPartial) expect(proof).toEqual(noted.proof);
    noted.proof = proof;
    for (const [fan, { told, ticket, isDoubtful }] of fans) {
      if (told === null || isDoubtful || told > (proof.ids?.length ?? 0)) continue;
      expect(proof.ids?.[told - 1], `whose number ${told} is that fan ${fan} has`).toBe(ticket.entry);
    }
  };
  const judge = async () => {
    const excused: QueueCheckName[] = [];
    // Who had a turn that nobody remembers waits again; what is left of a draw proves nothing, and does not say so.
    if (model.isPartial) excused.push('nobody-is-overtaken');
    if (model.isPartial && (await published()).state !== 'drawn') excused.push('the-draw-can-be-recomputed');
    const faults = await faultsOf(f, sale, excused);
    expect(faults.join('\n')).toBe('');
    await judgeProof();
  };

  /** What Redis says of fans, without their showing up. */
  const statesOf = async (of: Known[]): Promise<(string | null)[]> => {
    if (of.length === 0) return [];
    const entries = await queueReader(f.redis, sale, () => f.now()).entriesOf(
      of.map(({ ticket }) => ticket.entry),
    );
    return entries.map(({ record, waiting: waits }) => record?.state ?? (waits === null ? null : 'waiting'));
  };
  const waiting = async () => {
    const members = await f.redis.zrange(saleKey(sale, 'waiting'), '0', '-1', 'WITHSCORES');
    const pairs = members.flatMap((id, i) =>
      i % 2 === 0 ? [[String(id), Number(members[i + 1])] as const] : [],
    );
    return new Map(pairs);
  };

  const model = {
    fans,
    /** Something was lost that nobody remembered. */
    isPartial: false,
    own,
    isWrittenAgain,
    poll,
    judge,
    statesOf,
    waiting,
  };
  return model;
}
