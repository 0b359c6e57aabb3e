import { leadOf } from './clocks.ts';
import type { History } from './read.ts';
import type { AnswerRecord, ExpectRecord } from './record.ts';

/** The clock by which holds end may differ by so much from the one by which admissions do. */
const CLOCK_SLACK_MS = 1_000;

/** A time in which a fan certainly had a seat: from the answer that said so to the moment they may have lost it. */
type Having = { fan: string; seat: string; from: number; to: number; bought: boolean };

export const answeredAt = ({ sentAt, tookMs }: AnswerRecord): number => sentAt + tookMs;

export const isBought = ({ step, status, orderState }: AnswerRecord): boolean =>
  (step === 'pay' && status === 201) || (step === 'outcome' && orderState === 'confirmed');

/**
 * Two fans who certainly had one seat at the same moment, by hold or by order. A seat that was let go and taken again is
 * no breach, so every time is taken as short as it may have been.
 */
export function oversold(history: History): string[] {
  const { fans, refunds } = history;
  const leadMs = leadOf(history)?.min ?? Number.NEGATIVE_INFINITY;
  const havings = new Map<string, Having[]>();
  for (const answers of fans.values()) {
    for (const having of havingsOf(answers, leadMs, refunds)) {
      const known = havings.get(having.seat);
      if (known) known.push(having);
      else havings.set(having.seat, [having]);
    }
  }
  return [...havings].flatMap(([seat, those]) => overlapsOf(seat, those));
}

function havingsOf(answers: AnswerRecord[], leadMs: number, refunds: History['refunds']): Having[] {
  const havings: (Having & { hold: string | undefined })[] = [];
  for (const answer of answers) {
    const { fan, step, status, hold, seats = [], expires = Number.NEGATIVE_INFINITY, sentAt } = answer;
    const from = answeredAt(answer);
    if (isBought(answer)) {
      // Sold is sold, whatever the hold's time was, until it is given back.
      const to = refundedAt(answer, refunds);
      for (const seat of seats) havings.push({ fan, seat, hold, from, to, bought: true });
    } else if (step === 'hold' && status === 201) {
      const to = expires + leadMs - CLOCK_SLACK_MS;
      for (const seat of seats) havings.push({ fan, seat, hold, from, to, bought: false });
    } else if (step === 'release') {
      const given = havings.filter((having) => !having.bought && having.hold === hold);
      for (const having of given) having.to = Math.min(having.to, sentAt);
    }
  }
  // An order ends the admission, and with it the fan's other holds, whichever tab they were taken in.
  for (const { hold, sentAt } of answers.filter(mayEndAdmission)) {
    for (const having of havings)
      if (!having.bought && having.hold !== hold) having.to = Math.min(having.to, sentAt);
  }
  // The hold that became an order is over with it, before its own time.
  const firstRefund = answers.reduce(
    (first, answer) => Math.min(first, refundedAt(answer, refunds)),
    Number.POSITIVE_INFINITY,
  );
  for (const having of havings)
    if (!having.bought && having.from < firstRefund) having.to = Math.min(having.to, firstRefund);
  return havings;
}

/** When the order that an answer tells of may have been refunded; never, where it tells of none. */
const refundedAt = ({ order }: AnswerRecord, refunds: History['refunds']): number =>
  refunds.get(order ?? '') ?? Number.POSITIVE_INFINITY;

/** A leave, or a payment that was not clearly refused: it may have become an order, whatever its answer was. */
export const mayEndAdmission = ({ step, status, code }: AnswerRecord): boolean =>
  step === 'leave' || (step === 'pay' && (status < 400 || status >= 500 || code === 'in-progress'));

function overlapsOf(seat: string, havings: Having[]): string[] {
  const found: string[] = [];
  let last: Having | undefined;
  for (const having of havings.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from)) {
    if (last && last.fan !== having.fan && last.to > having.from)
      found.push(
        `Seat ${seat} was ${last.bought ? 'sold to' : 'held by'} ${last.fan} and ${
          having.bought ? 'sold to' : 'held by'
        } ${having.fan} at the same time`,
      );
    if (!last || having.to > last.to) last = having;
  }
  return found;
}

/** All fans clicked one seat: one 201, 409 `seats-taken` with that seat for everybody else, and nothing else. */
export function oneSeat({ fans }: History, { seat, fans: expected }: ExpectRecord['oneSeat']): string[] {
  const found: string[] = [];
  const clicks = [...fans.values()].flatMap(
    (answers) => answers.findLast(({ step }) => step === 'hold') ?? [],
  );
  if (clicks.length !== expected)
    found.push(`Of ${expected} fans ${clicks.length} came to the seat: the others were not admitted in time`);
  const winners = clicks.filter(({ status }) => status === 201);
  if (winners.length !== 1)
    found.push(
      `Seat ${seat} was given to ${winners.length} fans${winners.map(({ fan }) => ` ${fan}`).join()}`,
    );
  for (const { fan, status, code } of clicks) {
    if (status !== 201 && !(status === 409 && code === 'seats-taken'))
      found.push(`${fan} was answered with ${status} ${code ?? ''}`.trimEnd());
  }
  return found;
}
