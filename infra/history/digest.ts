import { sameClock } from './clocks.ts';
import type { Evidence } from './evidence.ts';
import type { History } from './read.ts';
import type { AnswerRecord, Step } from './record.ts';
import type { Asked, Body, Op } from './recorder.ts';

const steps: Partial<Record<Op, Step>> = {
  join: 'join',
  poll: 'poll',
  claim: 'claim',
  hold: 'hold',
  'hold the best': 'hold',
  release: 'release',
  order: 'pay',
  'order, answered later': 'pay',
  'look at an order': 'outcome',
  'leave the queue': 'leave',
};

/** What each sale's fans were answered, as the judges of the queue and of seats read it. */
export function historiesOf({ asked, sales }: Pick<Evidence, 'asked' | 'sales'>): History[] {
  const refunds = new Map<string, number>();
  for (const { op, url, sentAt, outcome } of asked) {
    const order = String(url.split('/').at(-2));
    if (op === 'refund' && outcome !== 'refused')
      refunds.set(order, Math.min(sentAt, refunds.get(order) ?? sentAt));
  }
  return sales.map((sale) => {
    const fans = new Map<string, AnswerRecord[]>();
    let records = 0;
    for (const each of asked) {
      const answer = each.sale === sale.sale ? answerOf(each) : null;
      if (!answer) continue;
      records += 1;
      const known = fans.get(answer.fan);
      if (known) known.push(answer);
      else fans.set(answer.fan, [answer]);
    }
    // The crowd runs where the shop does.
    return { sale, lead: sameClock(), fans, ends: [], expect: null, refunds, records, messages: [] };
  });
}

const msOf = (time: unknown): number => Date.parse(String(time));
const seatsOf = (list: unknown): string[] => ((list ?? []) as { seat: string }[]).map(({ seat }) => seat);

function answerOf(asked: Asked): AnswerRecord | null {
  const { op, fan, who, sentAt, tookMs, status, code, outcome } = asked;
  const step = steps[op];
  if (step === undefined) return null;
  return {
    ...{ kind: 'answer', fan: fan ?? who, step, sentAt, tookMs, status },
    ...(code === '' ? {} : { code }),
    ...known(asked, step),
    ...(outcome === 'done' ? facts(asked.body, step) : {}),
  };
}

function known({ url, json }: Asked, step: Step): Partial<AnswerRecord> {
  if (step === 'release') return { hold: String(url.split('/').at(-1)) };
  return step === 'pay' ? { hold: String((json as { hold?: string } | undefined)?.hold) } : {};
}

function facts(body: Body, step: Step): Partial<AnswerRecord> {
  if (step === 'join' || step === 'poll')
    return {
      state: String(body.state),
      queueNumber: body.queueNumber as number | null,
      position: body.position as number | null,
      asOf: msOf(body.asOf),
      claimBy: typeof body.claimBy === 'string' ? msOf(body.claimBy) : null,
      returning: body.returning === true,
    };
  if (step === 'claim') return { expires: msOf(body.expiresAt) };
  if (step === 'hold')
    return { hold: String(body.hold), seats: seatsOf(body.seats), expires: msOf(body.expiresAt) };
  if (step === 'pay') return { order: String(body.order), seats: seatsOf(body.tickets) };
  if (step === 'outcome')
    return { order: String(body.order), orderState: String(body.state), seats: seatsOf(body.tickets) };
  return {};
}
