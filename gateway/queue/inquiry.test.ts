import { expect, test, vi } from 'vitest';
import type { StatusAnswer } from '#shared/contract/queue.ts';
import { Problem } from '#shared/problem.ts';
import { SOON_MS } from '../../infra/testing/soon.ts';
import { silentLog } from '../testing/queue-fixture.ts';
import { inquire } from './inquiry.ts';
import { STEPS_PER_LOOK_AT_THE_CLOCK, workInSlices } from './slices.ts';
import type { QueueTicket } from './ticket.ts';

const ticket: QueueTicket = { sale: 'sale', entry: 'fan', queueNumber: 1, epoch: 1 };
const status = (version: number) => ({ version }) as StatusAnswer;

/** Everybody's answers come at one moment, when `answerAll` says. */
function held(underWayMax: number) {
  const waiting: (() => void)[] = [];
  let most = 0;
  const read = (_: QueueTicket, version: number) =>
    new Promise<StatusAnswer>((resolve, reject) => {
      waiting.push(() => {
        if (version % 10 === 9) reject(new Problem('not-found', 'gone'));
        else resolve(status(version));
      });
      most = Math.max(most, waiting.length);
    });
  const slices = workInSlices(() => undefined, { sliceMs: 0 });
  const ask = inquire(read, slices, silentLog, underWayMax);
  const answerAll = () => {
    for (const answer of waiting.splice(0)) answer();
  };
  return { ask, answerAll, most: () => most, waiting };
}

test('so many questions are under way at most, and each is answered once, in order, with what its own reading gave', async () => {
  const it = held(20);
  const taken: [number, number | string][] = [];
  for (let i = 0; i < 300; i += 1) {
    const take = (answer: StatusAnswer | Problem) =>
      void taken.push([i, answer instanceof Problem ? answer.code : answer.version]);
    it.ask({ ticket, version: i, isIdle: () => false, take });
  }
  await vi.waitFor(() => {
    it.answerAll();
    expect(taken).toHaveLength(300);
  }, SOON_MS);
  expect(it.most()).toBe(20);
  expect(taken).toEqual(taken.map((_, i) => [i, i % 10 === 9 ? 'not-found' : i]));
});

test('answers that come at one moment are taken in slices, not all in one turn of the event loop', async () => {
  const it = held(200);
  let [taken, inThisTurn, most, counting] = [0, 0, 0, true];
  const turn = () => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (counting) setImmediate(turn);
  };
  const take = () => {
    taken += 1;
    inThisTurn += 1;
  };
  for (let i = 0; i < 200; i += 1) it.ask({ ticket, version: i, isIdle: () => false, take });
  await vi.waitFor(() => expect(it.waiting).toHaveLength(200), SOON_MS);
  turn();
  it.answerAll();
  await vi.waitFor(() => expect(taken).toBe(200), SOON_MS);
  counting = false;
  expect(most).toBeLessThanOrEqual(STEPS_PER_LOOK_AT_THE_CLOCK);
});

test('nobody is asked about whose stream has gone, and no answer comes for it', async () => {
  const it = held(1);
  let [gone, taken] = [false, 0];
  const question = () => ({
    ticket,
    version: 1,
    isIdle: () => gone,
    take: () => {
      taken += 1;
    },
  });
  it.ask(question());
  it.ask(question());
  await vi.waitFor(() => expect(it.waiting).toHaveLength(1), SOON_MS);
  gone = true;
  it.answerAll();
  let next: StatusAnswer | Problem | null = null;
  const take = (answer: StatusAnswer | Problem) => {
    next = answer;
  };
  it.ask({ ticket, version: 2, isIdle: () => false, take });
  await vi.waitFor(() => {
    it.answerAll();
    expect(next).toEqual(status(2));
  }, SOON_MS);
  expect(taken).toBe(0);
  expect(it.most()).toBe(1);
});
